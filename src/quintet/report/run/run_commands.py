"""The commands that go on from a run, ready to copy."""

from collections.abc import Sequence

from quintet.base.console import command_line, typed
from quintet.config.initial_config import has_begun
from quintet.config.safe_overrides import sort_out
from quintet.report.html.blocks import Block, Note
from quintet.report.run.run_data import RunData


def next_steps(run: RunData) -> dict[str, str]:
    """Return what to do next with the run."""
    steps, folder = {}, typed(run.folder)
    if run.record.checkpoint:
        steps["predict"] = command_line("predict", f"run={folder}", "input=new.csv")
        steps["evaluate"] = command_line("evaluate", f"run={folder}")
    if has_begun(run.folder):
        each = run.cfg["trainer"]["max_epochs"] if run.record.repeats else run.record.epochs
        more = 2 * max(each, 1)
        longer = [f"trainer.max_epochs={more}"] if run.record.status == "completed" else []
        steps["go on"] = command_line("train", f"resume={folder}", *longer)
    words = [word for word in sort_out(run.record.overrides)[0] if not word.startswith("resume=")]
    steps["reproduce"] = command_line("train", *words)
    seeds = [word for word in words if not word.startswith("seed=")]
    steps["other seeds"] = command_line("train", "-m", "seed=0,1,2,3,4", *seeds)
    steps["this report"] = command_line("report", f"run={folder}")
    return steps


def warned(words: Sequence[str]) -> list[Block]:
    """Return a note on the words that commands lack, as they could run code or read secrets."""
    if not words:
        return []
    shown = ", ".join(word[:100] for word in words[:10])
    return [
        Note(
            "Left out of these commands, as whoever wrote this folder could run code by it: "
            f"{shown}{' ...' if len(words) > 10 else ''}. Add it if you know it.",
            "warn",
        )
    ]
