"""`quintet.testing.compose` by a short name, and which options are the engine's own."""

import pytest

from quintet.base.paths import CONFIGS as CONFIGS
from quintet.base.paths import options, package
from quintet.testing.compose import *  # noqa: F403

TEMPLATE = package() == "project"
"""False in a fork, which `make rename` has renamed."""

template_only = pytest.mark.skipif(not TEMPLATE, reason="the template's own style; this is a fork")
"""Style rules apply to the engine and its YAMLs; a team's files follow its own rules."""


def own_computed() -> list[str]:
    """Return the engine's metrics that are computed from predictions."""
    return [name for name in own("metric") if name in computed()]  # noqa: F405


def own(group: str) -> list[str]:
    """Return the options of a group that do not name the team's package."""
    files = options(group).items()
    return [name for name, path in files if f"_target_: {package()}." not in path.read_text()]
