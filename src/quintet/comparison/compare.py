"""Compare two runs or sweeps: what `python src/compare.py` does."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from quintet.artifacts import untrusted_files
from quintet.base import console
from quintet.comparison.differences import differences
from quintet.comparison.side import Side, check, side
from quintet.comparison.verdict import Verdict, verdict


def compare(cfg: DictConfig) -> Verdict:
    """Print the differences between `cfg.a` and `cfg.b`, and whether they are significant.

    Raises:
        UserError: a folder is neither a run nor a sweep, or the metrics or the data differ.

    """
    with untrusted_files.understood(Path(f"{cfg.a} or {cfg.b}")):
        return _compared(side(cfg.a, "a"), side(cfg.b, "b"))


def _compared(a: Side, b: Side) -> Verdict:
    check(a, b)
    console.say("")
    for letter, one in (("a", a), ("b", b)):
        console.say("[bold]{}[/]  {} ({})", letter, one.name, one.kind)
    found = differences(a, b)
    if found:
        table([["config", "a", "b"], *([key, *pair] for key, pair in found.items())])
    else:
        console.say("")
        console.say("The configs do not differ.")
    outcome = verdict(a, b)
    table([outcome.titles, *outcome.rows])
    for sentence in outcome.remarks:
        console.say("{}", sentence)
    return outcome


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells, the first row as titles."""
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    for i, title in enumerate(rows[0]):
        shown.add_column(console.plain(title), justify="right" if i else "left", overflow="fold")
    for row in rows[1:]:
        shown.add_row(*map(console.plain, row))
    console.terminal().print(shown)
