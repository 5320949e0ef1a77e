"""Modules and data as teams bring them: written for Lightning, unaware of this project."""

from pathlib import Path

WORDS = [f"hydra.searchpath=[file://{Path(__file__).parent / 'configs'}]"]
"""Overrides that find their configs, as a project's own folder would."""
