"""The printed output of the checks."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig
from rich import box
from rich.markup import escape
from rich.table import Table

from quintet.artifacts.record import trained
from quintet.base.console import plain, say, shortest
from quintet.base.terminal import everywhere
from quintet.diagnostics.coordinate_check import STEPS, Coordinate, at_end, exponents
from quintet.diagnostics.finding import Finding
from quintet.diagnostics.layer_statistics import Layer

MARKS = {"pass": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def announce(cfg: DictConfig) -> None:
    """Print what is checked."""
    choices = cfg.choices
    say("")
    say("[bold]Before training[/] {} on {}", trained(choices), choices.get("data"))
    say("")


def tell(finding: Finding) -> None:
    """Print one finding, with a remedy if something is wrong."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=20)
    table.add_column(max_width=76)
    table.add_row(MARKS[finding.verdict], finding.name, escape(finding.seen))
    if finding.cure:
        table.add_row("", "", f"[bold]→[/] {escape(finding.cure)}")
    everywhere().print(table)


def show_layers(layers: list[Layer]) -> None:
    """Print how every layer changes signal and gradient."""
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
        table.add_row(plain(layer.name), f"[dim]{plain(layer.kind)}[/]", *numbers)
    everywhere().print(table)


def show_coordinates(found: Sequence[Coordinate], page: Path) -> None:
    """Print the change of each layer's outputs at each width."""
    last = at_end(found)
    say("[bold]Change of outputs in {} steps[/]  by width", STEPS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("layer")
    table.add_column("")
    for width in dict.fromkeys(each.width for each in last):
        table.add_column(str(width), justify="right")
    table.add_column("power", justify="right")
    for scaling in dict.fromkeys(each.scaling for each in last):
        for layer, power in exponents(found, scaling).items():
            own = [each for each in last if (each.scaling, each.layer) == (scaling, layer)]
            changes = [f"{each.change:.2g}" for each in own]
            table.add_row(plain(layer), f"[dim]{scaling}[/]", *changes, f"{power:+.2f}")
    everywhere().print(table)
    say("[dim]{}[/]", shortest(page))


def show_rates(drawing: list[str], path: Path) -> None:
    """Print the curve of the range test."""
    say("[bold]Loss over learning rate[/]  ^ suggested, o chosen")
    for line in drawing:
        say("{}", line)
    say("[dim]{}[/]", shortest(path))


def say_no_range_test(why: str) -> None:
    """Print why there is no learning rate range test."""
    say("[dim]No learning-rate range test. {}[/]", why)


def conclude(findings: list[Finding]) -> None:
    """Print how many findings there are of each kind."""
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in MARKS}
    colour = "red" if counts["fail"] else "yellow" if counts["warn"] else "green"
    say("")
    words = f"{counts['pass']} passed, {counts['warn']} to look at, {counts['fail']} failed"
    say(f"[{colour}]{words}[/]")
