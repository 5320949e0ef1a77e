"""What a person sees of a run: what is trained, how good it is, and what to do next."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.process import is_first_rank
from quintet.record import Record
from quintet.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console

    from quintet.data.module import DataModule
    from quintet.task import Task


LIBRARIES = ("lightning.pytorch", "lightning.fabric", "torch.onnx", "onnxscript", "onnx_ir")


def quiet(debug: bool) -> None:
    """Silence library messages that the user cannot act on; debug keeps them all."""
    if debug:
        return
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|torch|torchmetrics|copyreg)\b")


def announce(cfg: DictConfig, data: "DataModule", task: "Task") -> None:
    """Print what is about to be trained."""
    if not is_first_rank():
        return
    facts, choices = cfg.facts, cfg.choices
    parameters = sum(p.numel() for p in task.model.parameters())
    say("")
    say(f"[bold]{choices.get('model')}[/] on [bold]{choices.get('data')}[/]")
    for sentence in data.account:
        say(f"  {sentence}")
    made = ("metric", "loss", "init", "optimizer", "scheduler")
    say("  " + " · ".join(f"{group} {choices.get(group)}" for group in made))
    say(
        f"  {facts.train_size:,} training, {facts.val_size:,} validation, {facts.test_size:,} test "
        f"samples · {parameters:,} parameters · seed {cfg.seed}"
    )
    say("")


def summarise(record: Record, folder: Path) -> None:
    """Print the outcome as a table, and the next commands."""
    if not is_first_rank():
        return
    from rich import box
    from rich.table import Table

    name = record.metric.name
    table = Table(box=box.SIMPLE, title_justify="left", show_header=True)
    table.add_column("")
    table.add_column(name, justify="right")
    table.add_column("loss", justify="right")
    value = record.metric.value
    table.add_row("validation", "" if value is None else f"{value:.4f}", "")
    if record.test:
        table.add_row(
            "[bold]test[/]", f"[bold]{record.test[name]:.4f}[/]", f"{record.test['loss']:.4f}"
        )
    _console().print(table)
    shown = shortest(folder)
    say(f"{record.epochs} epochs in {record.seconds:.1f} s → [bold]{shown}[/]")
    say(f"evaluate  python src/evaluate.py run={shown}")
    say(f"predict   python src/predict.py run={shown} input=new.csv")


def compare(scores: dict[str, dict[str, float]], record: Record | None) -> None:
    """Print new scores beside the recorded ones."""
    from rich import box
    from rich.table import Table

    table = Table("", "score", "", "recorded", box=box.SIMPLE)
    for split, values in scores.items():
        for name, value in values.items():
            recorded = _recorded(record, split, name)
            table.add_row(
                split, name, f"{value:.6f}", "" if recorded is None else f"{recorded:.6f}"
            )
    _console().print(table)


def _recorded(record: Record | None, split: str, name: str) -> float | None:
    if record is None:
        return None
    if split == "test":
        return record.test.get(name)
    return record.metric.value if name == record.metric.name else None


def shortest(path: Path) -> str:
    """Return a path as a user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def say(text: str) -> None:
    """Print a line with rich markup, unwrapped so that paths and commands stay whole."""
    _console().print(redact(text), highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print a warning as it is, without markup."""
    _console().print(f"Warning: {redact(text)}", highlight=False, soft_wrap=True, markup=False)


def _console() -> "Console":
    from rich.console import Console

    return Console()
