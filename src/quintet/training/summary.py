"""Console output of a run: choices, scores, and commands to continue with."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.artifacts.record import PROFILE, REPORT, Record, by_fold
from quintet.artifacts.steering_files import AUTHORS, said
from quintet.base.console import (
    command_line,
    plain,
    say,
    shortest,
    tell,
    terminal,
    typed,
    with_same_overrides,
)
from quintet.base.formatting import difference, margin, plural, score
from quintet.base.process import is_first_rank
from quintet.study.trial_pipe import is_trial
from quintet.training import next_commands
from quintet.training.training_steps import repeats

if TYPE_CHECKING:
    from rich.table import Table

    from quintet.data.data_summary import ColumnSummary
    from quintet.data.lightning_data import ExperimentData

MOST_COLUMNS = 12
"""Maximum number of table columns shown before training."""
READABLE = 5
"""Minimum number of epochs for calling a curve healthy."""


def announce(cfg: DictConfig, data: "ExperimentData", of: str, record: Record) -> None:
    """Print the data summary and the choices; `of` is the size of the model or number of models."""
    if not is_first_rank():
        return
    from quintet.options.models.pretrained import transfer_summary

    facts, choices = cfg.facts, cfg.choices
    show_columns(data.columns, MOST_COLUMNS)
    for sentence in (*data.data_summary, *transfer_summary(record.transfer)):
        tell(sentence)
    made = ("metric", "loss", "init", "optimizer", "scheduler")
    tell(" · ".join(f"{group} {_named(cfg, group)}" for group in made if group in choices))
    tell(" · ".join(filter(None, (_sizes(facts), of, f"seed {cfg.seed}"))))
    steered = cfg.callbacks.get("steering") and "optimizer" in choices
    if steered and not is_trial() and repeats(cfg) == 1:
        run = f"run={typed(Path(cfg.paths.run))}"
        say("  [dim]steer it: {}[/]", command_line("steer", run, "optimizer.lr=1e-4"))
    for anomaly in record.anomalies:
        _advise(anomaly, wrong=True)
    say("")


def _named(cfg: DictConfig, group: str) -> str:
    """Return the name of a choice; for `metric=logged`, that of the logged metric."""
    chosen = cfg.choices.get(group)
    return str(cfg.metric.name if group == "metric" and chosen == "logged" else chosen)


def _sizes(facts: DictConfig) -> str:
    parts = {"training": facts.train_size, "validation": facts.val_size, "test": facts.test_size}
    known = [f"{size:,} {part}" for part, size in parts.items() if size is not None]
    return f"{', '.join(known)} samples" if known else "samples of unknown number"


def show_columns(columns: Sequence["ColumnSummary"], most: int | None = None) -> None:
    """Print the interpretation of each table column: at most `most`, targets first."""
    if not columns:
        return
    from rich import box
    from rich.table import Table

    ranked = sorted(columns, key=lambda column: column.use == "input")[: most or len(columns)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    for title in ("column", "what it is", "format", "missing", "use"):
        table.add_column(title, justify="right" if title == "missing" else "left")
    for column in columns:
        if column in ranked:
            missing = f"{column.missing:.1%}" if column.missing > 0 else ""
            cells = (column.name, column.type, column.format, missing, column.use)
            table.add_row(*map(plain, cells))
    terminal().print(table)
    if rest := len(columns) - len(ranked):
        told = (
            f"... and {rest} more input columns; all of them: {with_same_overrides('inspect_data')}"
        )
        tell(told, style="dim")


def summarise(record: Record, folder: Path) -> None:
    """Print the scores of model and baselines, and commands to continue with."""
    if not is_first_rank():
        return
    name, model = record.metric.name, record.trained
    say("")
    tell(_verdict(record, model), style="bold")
    terminal().print(_scores(record, model))
    better = "greater" if record.metric.mode == "max" else "smaller"
    tell(f"{name}, the {better} the better{_spread(record)}", style="dim")
    if record.loss is not None:
        test = f", test {score(record.test['loss'])}" if "loss" in record.test else ""
        loss = f" ({chosen})" if (chosen := record.choices.get("loss")) else ""
        tell(f"loss{loss}: validation {score(record.loss)}{test}", style="dim")
    for measured in record.metrics:
        test = f", test {score(record.test[measured])}" if measured in record.test else ""
        if measured in record.validation:
            tell(f"{measured}: validation {score(record.validation[measured])}{test}", style="dim")
    for sentence in _remarks(record):
        tell(sentence, style="dim")
    say("")
    anomalies = record.anomalies if record.repeats else []  # a single run has printed them already
    for sentence in (*anomalies, *record.diagnosis):
        _advise(sentence, wrong=True)
    if not record.diagnosis and record.epochs >= READABLE and record.by_sample:
        _advise("The curves look healthy.", wrong=False)
    say("")
    epochs = plural(record.epochs, "epoch")
    say("{} in {:.1f} s → [bold]{}[/]", epochs, record.seconds, shortest(folder))
    if (page := folder / REPORT).is_file():
        say("report    {}", shortest(page))
    for profile in sorted(folder.glob(f"*-{PROFILE}.txt")):
        say("profile   {}", shortest(profile))
    if record.checkpoint:
        print_commands(folder, record)
    if not is_trial() and next_commands.TUNED & record.choices.keys():
        say("tune      {}", next_commands.tune(record))


def _verdict(record: Record, model: str) -> str:
    """Return the test score of the model (else validation) compared with the best baseline."""
    name, sign = record.metric.name, 1 if record.metric.mode == "max" else -1
    split, where = ("test", "test") if name in record.test else ("val", "validation")
    own = record.test.get(name, record.metric.value)
    what = f"{model} on {record.choices.get('data') or 'data'}"
    if own is None:
        return f"{what}: no {name}"
    told = f"{what}: {name} {score(own)} on {where} data"
    others = {n: sign * p[split] for n, p in record.baselines.items() if split in p}
    if not others:
        return told
    best = max(others, key=lambda n: others[n])
    gain = round(sign * own - others[best], 4)
    size = difference(own, sign * others[best])
    how = f"{size} {'better' if gain > 0 else 'worse'} than" if gain else "as good as"
    return f"{told}, {how} the best baseline, {best}"


def _remarks(record: Record) -> Iterator[str]:
    """Yield remarks on the model: evaluated weights, steering, and loaded weights."""
    if weights := _weights(record):
        yield weights
    if sampled := record.baselines_summary:
        yield sampled
    for change in record.steering:
        if told := said(change):
            yield f"{told}, by {AUTHORS.get(change.get('by', ''), 'steer.py')}"
    if record.repeats and record.transfer:
        from quintet.options.models.pretrained import transfer_summary

        yield from transfer_summary(record.transfer)


def _weights(record: Record) -> str:
    """Return which epoch's weights were scored; evaluate.py and predict.py use the same."""
    if names := [*record.repeats]:
        predict = f", predict.py averages all {len(names)}" if record.by_sample else ""
        return (
            f"weights: the best epoch of each of {names[0]} to {names[-1]}; evaluate.py scores "
            f"each on what it held out{predict}"
        )
    if record.checkpoint is None or record.best_epoch is None:
        return ""
    best = Path(record.checkpoint).stem == "best"
    why = f"the best {record.metric.name} on validation data" if best else "the last"
    return f"weights: of epoch {record.best_epoch}, {why} ({record.checkpoint})"


def print_commands(folder: Path, record: Record) -> None:
    """Print the commands to use a finished run."""
    say("evaluate  {}", next_commands.evaluate(folder))
    if record.by_sample:
        say("predict   {}", next_commands.predict(folder))


def _scores(record: Record, model: str) -> "Table":
    """Return a table of the metrics of model and baselines, the best of each split in bold."""
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
        table.add_row(plain(title) if title == model else f"[dim]{plain(title)}[/]", *shown)
    return table


def _number(value: float | None, best: float | None) -> str:
    text = "" if value is None else score(value)
    return f"[bold]{text}[/]" if text and value == best else text


def _spread(record: Record) -> str:
    """Return the uncertainty of the metric: over folds, or the standard error of test accuracy."""
    if spread := record.spread:
        folds = by_fold(record.parts, record.repeats)
        over = f" over {len(folds)} folds" if len(folds) < len(record.repeats) else ""
        of = "of their averaged predictions" if record.by_sample else "the mean of their scores"
        test = f"; test is {of}" if record.test else ""
        return (
            f"; validation is the mean of {len(record.repeats)} runs "
            f"± {margin(spread['deviation'], record.metric.value)} (standard deviation{over}; "
            f"standard error {margin(spread['error'], record.metric.value)}){test}"
        )
    share, size = record.test.get("accuracy"), record.facts.get("test_size")
    if share is None or not 0 < share < 1 or not size or record.metric.name != "accuracy":
        return ""
    error = math.sqrt(share * (1 - share) / size)
    return f"; test ± {margin(error, share)} (standard error, {size:,} samples)"


def _advise(sentence: str, wrong: bool) -> None:
    tell(sentence, mark="[yellow]![/]" if wrong else "[green]✓[/]")
