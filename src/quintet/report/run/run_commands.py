"""The commands to continue from a run, ready to copy."""

from collections.abc import Sequence
from pathlib import Path

from quintet.base.console import command_line, train_line, typed
from quintet.config.initial_config import has_initial_config
from quintet.config.safe_overrides import split_by_safety
from quintet.report.html.blocks import Block, Commands, Note, Text
from quintet.report.run.run_data import RunData
from quintet.training import next_commands

SEEDS = "0,1,2,3,4"


def next_steps(run: RunData) -> dict[str, str]:
    """Return the next steps: commands by what they do."""
    steps, folder = {}, typed(run.folder)
    if run.record.checkpoint:
        if run.by_sample:
            steps["predict"] = next_commands.predict(run.folder)
        steps["evaluate"] = next_commands.evaluate(run.folder)
    if run.is_training:
        steps["steer"] = command_line("steer", f"run={folder}", "optimizer.lr=1e-4")
    elif has_initial_config(run.folder):
        steps["resume"] = next_commands.resume(run.folder, run.record)
    typed_in = split_by_safety(run.record.overrides)[0]
    overrides = [each for each in typed_in if not each.startswith("resume=")]
    steps["reproduce"] = train_line(*overrides)
    steps["other seeds"] = next_commands.seeds(SEEDS, overrides)
    live = ["live=true"] if run.is_training else []
    steps["this report"] = report(run.folder, *live)
    return steps


def not_saved(run: RunData, what: str) -> list[Block]:
    """Return why something of the run's predictions is not shown, and the command that saves it.

    A run that has not opened its test set, such as a trial, leaves it closed.
    """
    if not run.record.checkpoint:
        return [Text(f"{what}: not saved, and the run has no checkpoint to make it from.")]
    splits = [] if run.record.test else ["splits=[val]"]
    steps = [next_commands.evaluate(run.folder, *splits), report(run.folder)]
    why = "this run is a trial of a sweep, or it ended early"
    return [
        Text(f"{what}: not saved, as {why}. This saves and shows it:"),
        Commands({"save": " && ".join(steps)}),
    ]


def report(folder: Path, *words: str) -> str:
    """Return the command that writes the page of a run."""
    return command_line("report", f"run={typed(folder)}", *words)


def warned(overrides: Sequence[str]) -> list[Block]:
    """Return a note on the overrides omitted from commands as they could run code."""
    if not overrides:
        return []
    shown = ", ".join(each[:100] for each in overrides[:10])
    return [
        Note(
            "Omitted from these commands, as the author of this folder could run code with it: "
            f"{shown}{' ...' if len(overrides) > 10 else ''}. Add it if you trust it.",
            "warn",
        )
    ]
