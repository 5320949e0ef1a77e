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
    from quintet.practice.finding import Finding
    from quintet.practice.layers import Layer
    from quintet.task import Task


LIBRARIES = ("lightning.pytorch", "lightning.fabric", "torch.onnx", "onnxscript", "onnx_ir")


def quiet(debug: bool) -> None:
    """Silence library messages that the user cannot act on; debug keeps them all."""
    if debug:
        return
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|torch|torchmetrics|copyreg)\b")


def announce(cfg: DictConfig, data: "DataModule", task: "Task", record: Record) -> None:
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
    for anomaly in record.anomalies:
        say(f"  [yellow]note[/] {anomaly}")
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
    for sentence in record.diagnosis:
        say(f"[yellow]→[/] {sentence}")
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


MARKS = {"pass": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def announce_check(cfg: DictConfig) -> None:
    """Print what is checked."""
    choices = cfg.choices
    say("")
    say(f"[bold]Before training[/] {choices.get('model')} on {choices.get('data')}")
    say("")


def tell(finding: "Finding") -> None:
    """Print one finding, with its cure where something is wrong."""
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=20)
    table.add_column(max_width=76)
    table.add_row(MARKS[finding.verdict], finding.name, escape(finding.seen))
    if finding.cure:
        table.add_row("", "", f"[bold]→[/] {escape(finding.cure)}")
    _console().print(table)


def show_layers(layers: "list[Layer]") -> None:
    """Print what every layer does with signal and gradient."""
    from rich import box
    from rich.table import Table

    if not layers:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("layer")
    table.add_column("")
    for name in ("mean", "std", "dead", "saturated", "gradient"):
        table.add_column(name, justify="right")
    for layer in layers:
        shares = [f"{share:.0%}" if share else "" for share in (layer.dead, layer.saturated)]
        numbers = [f"{layer.mean:.2g}", f"{layer.std:.2g}", *shares, f"{layer.gradient:.1e}"]
        table.add_row(layer.name, f"[dim]{layer.kind}[/]", *numbers)
    _console().print(table)


def show_rates(drawing: list[str], path: Path) -> None:
    """Print the range test's curve."""
    say("[bold]Loss over learning rate[/]  ^ suggested, o chosen")
    for line in drawing:
        say(line)
    say(f"[dim]{shortest(path)}[/]")


def conclude(findings: "list[Finding]") -> None:
    """Print how many findings there are of each kind."""
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in MARKS}
    colour = "red" if counts["fail"] else "yellow" if counts["warn"] else "green"
    say("")
    words = f"{counts['pass']} passed, {counts['warn']} to look at, {counts['fail']} failed"
    say(f"[{colour}]{words}[/]")
