"""What a person sees of a run: what is trained, how good it is, and what to do next."""

import logging
import math
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from quintet.length import repeats
from quintet.process import is_first_rank
from quintet.record import REPORT, Record
from quintet.secrets import redact
from quintet.trial import is_trial

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from quintet.data.module import DataModule


ROOT = Path(__file__).parents[2]
_muted = False
READABLE = 5
"""Epochs from which on a curve can be called healthy."""
LIBRARIES = ("lightning.pytorch", "lightning.fabric", "torch.onnx", "onnxscript", "onnx_ir")


def quiet(debug: bool) -> None:
    """Silence library messages that the user cannot act on; debug keeps them all."""
    if debug:
        return
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|torch|torchmetrics|copyreg)\b")
    warnings.filterwarnings(
        "ignore", message="The tensor attributes .* were assigned during export"
    )


def announce(cfg: DictConfig, data: "DataModule", of: str, record: Record) -> None:
    """Print what is about to be trained, `of` what size or how often."""
    if not is_first_rank():
        return
    from quintet.models.transfer import account

    facts, choices = cfg.facts, cfg.choices
    say("")
    say("[bold]{}[/] on [bold]{}[/]", choices.get("model"), choices.get("data"))
    for sentence in (*data.account, *account(record.transfer)):
        tell(sentence)
    made = ("metric", "loss", "init", "optimizer", "scheduler")
    tell(" · ".join(f"{group} {choices.get(group)}" for group in made))
    tell(
        f"{facts.train_size:,} training, {facts.val_size:,} validation, {facts.test_size:,} test "
        f"samples · {of} · seed {cfg.seed}"
    )
    if not is_trial() and repeats(cfg) == 1 and cfg.callbacks.get("steering"):
        run = f"run={typed(Path(cfg.paths.run))}"
        say("  [dim]steer it: {}[/]", command_line("steer", run, "optimizer.lr=1e-4"))
    for anomaly in record.anomalies:
        _advise(anomaly, wrong=True)
    say("")


def summarise(record: Record, folder: Path) -> None:
    """Print how good the model is, against what, and what to do next."""
    if not is_first_rank():
        return
    name, model = record.metric.name, record.choices.get("model") or "model"
    say("")
    terminal().print(_scores(record, model))
    better = "greater" if record.metric.mode == "max" else "smaller"
    tell(f"{name}, the {better} the better{_spread(record)}", style="dim")
    if record.loss is not None:
        test = f", test {record.test['loss']:.4f}" if "loss" in record.test else ""
        loss = record.choices.get("loss")
        tell(f"loss ({loss}): validation {record.loss:.4f}{test}", style="dim")
    for change in record.steering:
        if change["key"].startswith("optimizer.") and not change["refused"]:
            tell(_steered(change), style="dim")
    say("")
    for sentence in record.diagnosis:
        _advise(sentence, wrong=True)
    if not record.diagnosis and record.epochs >= READABLE:
        _advise("The curves look healthy.", wrong=False)
    say("")
    say("{} epochs in {:.1f} s → [bold]{}[/]", record.epochs, record.seconds, shortest(folder))
    if (page := folder / REPORT).is_file():
        say("report    {}", shortest(page))
    if record.checkpoint:
        say_how_to_use(folder)
    if not is_trial():
        words = ["-m", "sweeper=random", "search_space=high", "sweeper.n_trials=20"]
        kept = [word for word in record.overrides if not word.startswith("resume=")]
        say("tune      {}", command_line("train", *words, *kept))


def _steered(change: Mapping[str, Any]) -> str:
    by = "the range test" if change.get("by") else "steer.py"
    values = f"{change['before'] or 0:.2g} → {change['after']:.2g}"
    return f"{change['key']} {values} in epoch {change['epoch'] + 1}, by {by}"


def say_how_to_use(folder: Path) -> None:
    """Print the commands that take a finished run."""
    run = f"run={typed(folder)}"
    say("evaluate  {}", command_line("evaluate", run))
    say("predict   {}", command_line("predict", run, "input=new.csv"))


def _scores(record: Record, model: str) -> "Table":
    """Return P of the model and of the baselines, the best of each split in bold."""
    from rich import box
    from rich.table import Table

    name = record.metric.name
    own = {"val": record.metric.value, "test": record.test.get(name)}
    rows: dict[str, Mapping[str, float | None]] = {model: own, **record.baselines}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    table.add_column("")
    splits = {"val": "validation"} | ({"test": "test"} if record.test else {})
    for title in splits.values():
        table.add_column(title, justify="right")
    choose = max if record.metric.mode == "max" else min
    best = {}
    for split in splits:
        values = [v for row in rows.values() if (v := row.get(split)) is not None]
        best[split] = choose(values, default=None)
    for title, row in rows.items():
        shown = [_number(row.get(split), best[split]) for split in splits]
        table.add_row(title if title == model else f"[dim]{title}[/]", *shown)
    return table


def _number(value: float | None, best: float | None) -> str:
    text = "" if value is None else f"{value:.4f}"
    return f"[bold]{text}[/]" if text and value == best else text


def _spread(record: Record) -> str:
    """Say how far chance moves P: over folds, or the standard error of a test accuracy."""
    if spread := record.spread:
        folds = {name.partition("_")[0] for name in record.repeats}
        over = f" over {len(folds)} folds" if len(folds) < len(record.repeats) else ""
        test = "; test is of their averaged predictions" if record.test else ""
        return (
            f"; validation is the mean of {len(record.repeats)} runs ± {spread['deviation']:.4f} "
            f"(standard deviation{over}; standard error {spread['error']:.4f}){test}"
        )
    share, size = record.test.get("accuracy"), record.facts.get("test_size")
    if share is None or not 0 < share < 1 or not size or record.metric.name != "accuracy":
        return ""
    error = math.sqrt(share * (1 - share) / size)
    return f"; test ± {error:.4f} (standard error, {size:,} samples)"


def _advise(sentence: str, wrong: bool) -> None:
    tell(sentence, mark="[yellow]![/]" if wrong else "[green]✓[/]")


def shortest(path: Path) -> str:
    """Return a path as a user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def typed(path: Path) -> str:
    """Return a path as Hydra takes it after `key=`: quoted where it has more than plain letters."""
    text = shortest(path)
    return text if re.fullmatch(r"[\w./-]+", text) else "'{}'".format(text.replace("'", "\\'"))


def command_line(script: str, *arguments: str) -> str:
    """Return a command as a user would type it from here."""
    return shlex.join(["python", shortest(ROOT / "src" / f"{script}.py"), *arguments])


def say(template: str, *values: object) -> None:
    """Print a line, unwrapped so that paths and commands stay whole.

    Args:
        template: with rich markup, and a {} for each value.
        values: printed as they are, brackets and all.

    """
    from rich.markup import escape

    safe = [escape(value) if isinstance(value, str) else value for value in values]
    text = template.format(*safe) if values else template
    terminal().print(redact(text), highlight=False, soft_wrap=True)


def tell(text: str, mark: str = " ", style: str = "") -> None:
    """Print a sentence behind a mark, in a terminal wrapped under itself; elsewhere on one line."""
    from rich.table import Table
    from rich.text import Text

    console, safe = terminal(), redact(text)
    if not console.is_terminal:
        console.print(f"{mark} {plain(safe)}", highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(max_width=96)
    table.add_row(mark, Text(safe, style))
    console.print(table)


@contextmanager
def muted() -> Iterator[None]:
    """Say nothing of a run that is a part of a larger one; its bar and its warnings stay."""
    global _muted
    _muted, before = True, _muted
    try:
        yield
    finally:
        _muted = before


def warn(text: str) -> None:
    """Print a warning as it is, without markup."""
    from rich.console import Console

    shown = f"Warning: {redact(text)}"
    Console().print(shown, highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> str:
    """Return text in which rich finds no markup."""
    from rich.markup import escape

    return escape(text)


def terminal() -> "Console":
    """Return the terminal that a person reads."""
    from rich.console import Console

    return Console(quiet=_muted)
