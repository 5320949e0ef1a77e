"""The first screen: the winner, its lead, what mattered, and next steps."""

from quintet.analysis.intervals import of_value
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.errors import UserError
from quintet.base.formatting import (
    change,
    difference,
    duration,
    listed,
    margin,
    plural,
    rounded,
    score,
)
from quintet.report.cells import bounds, reach
from quintet.report.html.blocks import Block, Commands, Headline, Note, Tile, Tiles, Tone
from quintet.report.run.run_data import RunData
from quintet.report.sweep.best_model import own_page
from quintet.report.sweep.history import history
from quintet.report.sweep.importance import good_range
from quintet.report.sweep.status import count, status_note
from quintet.report.sweep.sweep_commands import first_steps
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_warnings import baselines_ahead, data, range_edges, winner_deleted
from quintet.report.sweep.trial_significance import comparable, samples, significance
from quintet.study.trial import Trial

TONES: dict[str, Tone] = {"clear": "good", "chance": "warn", "unsure": "plain", "unknown": "plain"}
DEFAULTS = "the defaults"
BREAK = "\u200b"
"""Where a long name may be broken on a narrow screen."""


def head(sweep: SweepData) -> list[Block]:
    """Return the first screen."""
    if sweep.winner is None:
        return [*_without_winner(sweep), *status_note(sweep), Commands(first_steps(sweep))]
    return [
        Headline(_sentence(sweep, sweep.winner), _point(sweep.winner)),
        Tiles(_tiles(sweep, sweep.winner)),
        *history(sweep),
        *status_note(sweep),
        *(Note(text, "warn") for text in _warnings(sweep)),
        Commands(first_steps(sweep)),
        *own_page(sweep),
    ]


def _warnings(sweep: SweepData) -> list[str]:
    return [
        *winner_deleted(sweep),
        *baselines_ahead(sweep),
        *range_edges(sweep),
        *data(sweep),
    ]


def _without_winner(sweep: SweepData) -> list[Block]:
    if not sweep.trials:
        return [Headline("No trial has started yet.", "This page shows the current state.")]
    states = listed([f"{number} {state}" for state, number in count(sweep).items()])
    return [Headline("No trial has completed yet.", f"{states}, of {sweep.total}.")]


def _sentence(sweep: SweepData, winner: Trial) -> str:
    on = sweep.record.choices.get("data") if sweep.record else None
    where = f" on {on}" if on else ""
    number = f"Trial\u00a0{winner.number}"
    defaults = sweep.defaults is not None and sweep.defaults.number == winner.number
    who = f"{number}, the defaults," if defaults else number
    opening = f"{who} wins{where} with {sweep.metric} {score(winner.value)}"
    compared = _compared(sweep, winner)
    return f"{opening}: {', '.join(compared)}." if compared else f"{opening}."


def _compared(sweep: SweepData, winner: Trial) -> list[str]:
    """Return by how much the winner leads over the defaults and over the runner-up."""
    by_chance, leads = [], []
    for name, other in _rivals(sweep, winner).items():
        if winner.value is None or other.value is None:
            continue
        if not comparable(winner, other):
            leads.append(f"{name} were pruned")
            continue
        kind = significance(sweep, winner, other).kind
        if kind == "chance":
            by_chance.append(name)
        elif kind == "clear" and name != DEFAULTS:
            leads.append(f"clearly ahead of {name}")
        else:
            leads.append(f"{difference(winner.value, other.value)} better than {name}")
    return [*leads, *([f"within chance of {listed(by_chance)}"] if by_chance else [])]


def _rivals(sweep: SweepData, winner: Trial) -> dict[str, Trial]:
    """Return the defaults and the runner-up by name, without those that are the same trial."""
    found = {DEFAULTS: sweep.defaults} if sweep.defaults else {}
    if (other := sweep.runner_up) and other.number not in {t.number for t in found.values()}:
        found[f"trial\u00a0{other.number}"] = other
    return {name: trial for name, trial in found.items() if trial.number != winner.number}


def _point(winner: Trial) -> str:
    return " · ".join(f"{key}={rounded(value)}" for key, value in winner.params.items())


def _tiles(sweep: SweepData, winner: Trial) -> list[Tile]:
    tiles = [_validation(sweep, winner), *_test(sweep)]
    if (other := sweep.defaults) and other.number != winner.number:
        tiles.append(_against("defaults", sweep, winner, other))
    if (other := sweep.runner_up) and other != sweep.defaults:
        tiles.append(_against("runner-up", sweep, winner, other))
    if sweep.importance:
        key, share = next(iter(sweep.importance.items()))
        hint = f"{share:.0%} of the importance; best quarter: {good_range(sweep, key)}"
        tiles.append(Tile("Matters most", key.replace(".", f".{BREAK}"), hint))
    return [*tiles, _trials(sweep)]


def _validation(sweep: SweepData, winner: Trial) -> Tile:
    assert winner.value is not None
    record, smallest = sweep.records.get(winner.number), sweep.mode == "min"
    if record and record.repeats:
        deviation = margin(record.spread.get("deviation"), winner.value)
        hint = f"mean of {len(record.repeats)} runs ± {deviation}"
    elif (best := _best_run(sweep)) is not None:
        hint = reach(best, "val")
    elif found := of_value(sweep.metric, winner.value, samples(sweep)):
        hint = f"95 % interval {bounds(found)}"
    else:
        hint = f"{'smallest' if smallest else 'greatest'} wins"
    return Tile(f"{sweep.metric}, validation", score(winner.value), hint)


def _test(sweep: SweepData) -> list[Tile]:
    if not sweep.best or (value := sweep.best.test.get(sweep.metric)) is None:
        return []
    hint = "of this one model, evaluated once"
    if several := len(sweep.best.repeats):
        hint = f"of the {several} models' averaged predictions, evaluated once"
    elif (best := _best_run(sweep)) is not None:
        hint = reach(best, "test") or hint
    return [Tile(f"{sweep.metric}, test", score(value), hint)]


def _best_run(sweep: SweepData) -> RunData | None:
    """Return the winner's run, as its own page reads it."""
    try:
        return RunData.read(sweep.folder / "best") if sweep.best else None
    except (UserError, DamagedError):
        return None


def _against(name: str, sweep: SweepData, winner: Trial, other: Trial) -> Tile:
    assert winner.value is not None
    assert other.value is not None
    if not comparable(winner, other):
        epochs = f"{other.notes.get('epochs', 0)} of {sweep.max_epochs} epochs"
        hint = f"trial {other.number} had {score(other.value)} when it was pruned after {epochs}"
        return Tile(f"Ahead of {name}", "cut short", hint)
    sign = 1 if sweep.mode == "max" else -1
    gain = change(sign * winner.value, sign * other.value)
    judgement = significance(sweep, winner, other)
    hint = f"{score(other.value)}, trial {other.number}; {judgement.reason}"
    return Tile(f"Ahead of {name}", gain, hint, TONES[judgement.kind])


def _trials(sweep: SweepData) -> Tile:
    parts = [f"{number} {state}" for state, number in count(sweep).items()]
    epochs = int(sweep.spent("epochs"))
    seconds = sweep.spent("seconds")
    of = f" of {sweep.total:,}" if sweep.total > len(sweep.trials) else ""
    hint = f"{', '.join(parts)}; {plural(epochs, 'epoch')} in {duration(seconds)}"
    return Tile("Trials", f"{len(sweep.trials):,}{of}", hint)
