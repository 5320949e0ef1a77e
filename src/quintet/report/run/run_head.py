"""The first screen: scores, the comparison with baselines, and next steps."""

from collections.abc import Iterator

from quintet.analysis.significance import judge
from quintet.artifacts.record import Record
from quintet.artifacts.steering_files import AUTHORS, unrepeated
from quintet.base.formatting import difference, duration, plural, score
from quintet.config.safe_overrides import split_by_safety
from quintet.report.cells import reach
from quintet.report.html.blocks import Block, Commands, Headline, Note, Tile, Tiles, Tone
from quintet.report.run import cross_validated
from quintet.report.run.curves import metric_curve
from quintet.report.run.run_commands import next_steps, warned
from quintet.report.run.run_data import SPLITS, RunData

READABLE = 5
"""Minimum number of epochs for calling curves healthy."""
BETTER, WORSE = "Better than the best baseline by", "Behind the best baseline by"
UNREPEATED = "The command to reproduce the run does not repeat these changes."


def head(run: RunData) -> list[Block]:
    """Return the first screen."""
    return [
        Headline(_sentence(run), _choices(run)),
        Tiles(_tiles(run)),
        *_chart(run),
        *_notes(run),
        Commands(next_steps(run)),
        *warned(split_by_safety(run.record.overrides)[1]),
    ]


def _chart(run: RunData) -> list[Block]:
    return cross_validated.scores_chart(run) if run.record.repeats else metric_curve(run)


def _sentence(run: RunData) -> str:
    what = f"{run.model} on {run.record.choices.get('data') or 'data'}"
    record, epochs = run.record, plural(run.record.epochs, "epoch")
    best = ""
    if (value := run.best_value) is not None:
        best = f"; best {run.metric} {score(value)} on validation data"
    if run.is_training:
        return f"{what} is training: {run.record.epochs} of {_epochs(run)} have ended{best}."
    if record.status == "diverged":
        return f"{what} diverged after {epochs}{best}."
    if record.status == "failed":
        return f"{what} failed after {epochs}{best}."
    if record.status == "interrupted":
        return f"{what} was interrupted after {epochs}{best}; it can be resumed."
    found = {split: run.recorded(split) for split in ("test", "val")}
    scores = [f"{score(v)} on {SPLITS[s]} data" for s, v in found.items() if v is not None]
    stopped = f", stopped by its sweep after {epochs}" if record.status == "pruned" else ""
    over = f" over {cross_validated.description(run)}" if record.repeats else ""
    return f"{what}{over}: {run.metric} {', '.join(scores) or 'unknown'}{stopped}."


def _epochs(run: RunData) -> str:
    """Return the planned epochs of a run, if its config states them."""
    most = run.cfg["trainer"].get("max_epochs")
    return plural(most, "epoch") if isinstance(most, int) and most > 0 else "its epochs"


def _choices(run: RunData) -> str:
    groups = ("metric", "loss", "init", "optimizer", "scheduler")
    chosen = {group: run.record.choices.get(group) for group in groups}
    made = [f"{group} {option}" for group, option in chosen.items() if option]
    better = "greater" if run.record.metric.mode == "max" else "smaller"
    return f"{' · '.join(made)} · seed {run.record.seed}. The {better} {run.metric}, the better."


def _tiles(run: RunData) -> list[Tile]:
    tiles = []
    for split, name in reversed(SPLITS.items()):
        if (value := run.recorded(split)) is not None:
            tiles.append(Tile(f"{run.metric}, {name}", score(value), _interval(run, split)))
    tiles += _against_baseline(run)
    if run.best_epoch is not None:
        hint = f"by {run.metric} on validation data"
        tiles.append(Tile("Best epoch", f"{run.best_epoch} of {run.record.epochs}", hint))
    size = f"{run.record.parameters:,} parameters" if run.record.parameters else ""
    if run.is_training:
        return tiles
    tiles.append(Tile("Trained in", duration(run.record.seconds), size))
    return tiles


def _interval(run: RunData, split: str) -> str:
    if run.record.repeats:
        of = "averaged predictions" if run.by_sample else "mean of the scores"
        tested = f"{of} of {len(run.record.repeats)} models"
        return cross_validated.spread(run) if split == "val" else tested
    return reach(run, split)


def _against_baseline(run: RunData) -> list[Tile]:
    """Compare with the best baseline, on test data if it was used."""
    known = {split for by_split in run.record.baselines.values() for split in by_split}
    split = "test" if run.record.test and "test" in known else "val"
    own, sign = run.recorded(split), 1 if run.record.metric.mode == "max" else -1
    others = {n: v[split] for n, v in run.record.baselines.items() if split in v}
    if own is None or not others:
        return []
    name = max(others, key=lambda n: sign * others[n])
    gain = sign * (own - others[name])
    by = difference(own, others[name])
    title = BETTER if gain >= 0 else WORSE
    hint = f"the {name} model scores {score(others[name])} on {SPLITS[split]} data"
    count = run.facts.get(f"{split}_size")
    judgement = judge(run.metric, own, others[name], count, split=SPLITS[split])
    if run.record.repeats or judgement.kind == "unknown":
        return [Tile(title, by, hint, "plain" if gain > 0 else "warn")]
    tone: Tone = "warn" if gain <= 0 else "good" if judgement.kind == "clear" else "plain"
    return [Tile(title, by, f"{hint}; {judgement.reason}", tone)]


def _steered(record: Record) -> Iterator[Note]:
    """Yield what was changed while it trained, by whom."""
    for author in dict.fromkeys(change.get("by", "") for change in record.steering):
        changes = unrepeated(each for each in record.steering if each.get("by", "") == author)
        if changes:
            told = f"{'; '.join(changes)}, by {AUTHORS.get(author, 'steer.py')}"
            yield Note(f"Changed while it trained: {told}. {UNREPEATED}", "warn")


def _notes(run: RunData) -> list[Block]:
    record = run.record
    notes: list[Block] = [Note(record.reason, "bad")] if record.reason else []
    notes += _steered(record)
    notes += [Note(text, "warn") for text in (*record.diagnosis, *record.anomalies)]
    if not notes and record.epochs >= READABLE and not run.is_training:
        notes.append(Note("The curves look healthy.", "good"))
    return notes
