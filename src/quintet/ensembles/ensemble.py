"""An ensemble of a sweep's best models: chosen on validation, averaged, tested once."""

import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch
from omegaconf import DictConfig
from torch import Tensor
from torchmetrics import Metric

from quintet.artifacts import untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.output_paths import check, staging
from quintet.artifacts.record import CONFIG, ENSEMBLE, voters
from quintet.base import console, files, formatting
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import instantiate
from quintet.config.trust import Trust
from quintet.ensembles.candidates import (
    WEIGHTS,
    Candidate,
    CandidatePredictions,
    candidates,
    joined,
    on_test,
    predict,
    same_samples,
)
from quintet.ensembles.member_selection import Quality, average, select
from quintet.ensembles.members import score
from quintet.problems import problem_of
from quintet.training import build, next_commands

MEMBERS, STAGED = "members", ".ensemble."


def assemble(cfg: DictConfig) -> Ensemble:
    """Choose members, copy them into one folder and score the ensemble.

    Of two choices with the same score, the one with the higher likelihood is better.

    Raises:
        UserError: the number of models or the folder is invalid, or the trials were not scored on
            the same samples.

    """
    console.quiet(cfg.debug)
    for key in ("candidates", "size"):
        if not isinstance(cfg[key], int) or isinstance(cfg[key], bool) or cfg[key] < 1:
            raise UserError(
                "is not a number of models",
                code=Code.OUT_OF_RANGE,
                key=key,
                value=cfg[key],
                hint="Give an integer of at least 1.",
            )
    sweep = Path(cfg.sweep)
    output = Path(cfg.output) if cfg.output else untrusted_files.inside(sweep, "ensemble")
    check(output, {"sweep": sweep}, _is_ours, overwrite=bool(cfg.get("overwrite")))
    found = candidates(sweep, cfg.candidates)
    trust = Trust.of(cfg.get("trust"))
    predicted = [predict(candidate, trust) for candidate in found]
    if not all(same_samples(each, predicted[0]) for each in predicted):
        raise UserError(
            "has trials with different validation samples, so they cannot be compared",
            code=Code.INCOMPATIBLE,
            key="sweep",
            value=sweep,
            hint="Sweep without varying seed, data.seed, data.val, data.test and data.fold.",
        )
    on_val = [joined(each, predicted[0]) for each in predicted]
    first = predicted[0].cfg.metric
    metric_of = mean_over_folds(predicted[0])
    chosen = select(on_val, quality_of(predicted[0], metric_of), cfg.size)
    values = [metric_of(each) for each in on_val if not each.isnan().any()]
    single = values.index(max(values) if first.mode == "max" else min(values))
    made = Ensemble(first.name, first.mode)
    made.val, made.single_val = metric_of(average(on_val, chosen)), values[single]
    further = build.further_metrics_of(predicted[0].cfg)
    for name, metric in further.items():
        of_metric = mean_over_folds(predicted[0], metric)
        both = of_metric(average(on_val, chosen)), of_metric(on_val[single])
        made.further[name] = dict(zip(("val", "single_val"), both, strict=True))
    if cfg.test:
        truth = predicted[0].test
        seen = {i: on_test(found[i], trust) for i in {single, *chosen}}
        tested = {"test": average(seen, chosen), "single_test": seen[single]}
        metric = instantiate(first, "metric")
        made.test, made.single_test = (score(metric, each, truth) for each in tested.values())
        for name, metric in further.items():
            made.further[name] |= {key: score(metric, t, truth) for key, t in tested.items()}
    save(made, output, {found[i]: count for i, count in chosen.items()})
    show(made, output)
    return made


def mean_over_folds(
    candidate: CandidatePredictions, metric: Metric | None = None
) -> Callable[[Tensor], float]:
    """Return a function that scores the concatenated predictions of all folds.

    The score is the mean over folds, as in the record of a cross-validated run.

    Args:
        candidate: with the targets of each fold.
        metric: None takes the one that decides.

    """
    truth, sizes = candidate.truth, [len(each) for each in candidate.truth]
    metric = metric or instantiate(candidate.cfg.metric, "metric")

    def metric_of(predicted: Tensor) -> float:
        folds = zip(torch.split(predicted, sizes), truth, strict=True)
        return fmean(score(metric, own, right) for own, right in folds)

    return metric_of


def quality_of(
    candidate: CandidatePredictions, metric_of: Callable[[Tensor], float]
) -> Callable[[Tensor], Quality]:
    """Return a function that rates predictions by the metric, then by the likelihood."""
    truth, problem = torch.cat(candidate.truth), problem_of(candidate.cfg.facts.task)
    sign = 1 if candidate.cfg.metric.mode == "max" else -1
    return lambda predicted: (sign * metric_of(predicted), problem.likelihood(predicted, truth))


def save(made: Ensemble, output: Path, chosen: dict[Candidate, int]) -> None:
    """Copy configs and checkpoints and write `ensemble.json`, replacing an earlier ensemble.

    The models of a trial share its weight. Other files in the output folder are kept.
    """
    models = math.lcm(*(len(candidate.models) for candidate in chosen))
    output.mkdir(parents=True, exist_ok=True)
    with staging(output, STAGED) as place:
        for candidate, count in chosen.items():
            for model in candidate.models:
                name = str(Path("members", candidate.folder.name, model))
                (place / name / WEIGHTS).parent.mkdir(parents=True)
                for part in (CONFIG, WEIGHTS):
                    files.copy(
                        untrusted_files.inside(candidate.folder / model, part), place / name / part
                    )
                made.members[name] = count * models // len(candidate.models)
            made.trials[str(candidate.number)] = count
        common = math.gcd(*made.members.values())
        made.members = {name: count // common for name, count in made.members.items()}
        if (output / MEMBERS).exists():
            (output / MEMBERS).replace(place / "before")
        (place / MEMBERS).replace(output / MEMBERS)
        made.write(output)


def _is_ours(output: Path) -> bool:
    """Return whether a folder contains only an earlier ensemble, complete or not."""
    names = {path.name for path in output.iterdir() if not path.name.startswith(STAGED)}
    inside = (output / MEMBERS).glob("*")
    return names <= {MEMBERS, ENSEMBLE} and all(path.name.isdigit() for path in inside)


def show(made: Ensemble, output: Path) -> None:
    """Print the scores of the ensemble and of the best single model."""
    console.say("")
    console.say(f"[bold]Ensemble[/] of {voters(made.trials)}")
    assert made.val is not None
    assert made.single_val is not None
    _show_scores(
        made.metric,
        {"ensemble": (made.val, made.test), "best single": (made.single_val, made.single_test)},
    )
    for name, of in made.further.items():
        pairs = {"ensemble": ("val", "test"), "best single": ("single_val", "single_test")}
        _show_scores(name, {who: (of[val], of.get(test)) for who, (val, test) in pairs.items()})
    console.say("→ [bold]{}[/]", console.shortest(output))
    member = output / next(iter(made.members))
    console.say("predict   {}", next_commands.predict(output, member))


def _show_scores(metric: str, rows: dict[str, tuple[float, float | None]]) -> None:
    """Print validation scores and, where available, test scores."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    for title in (metric, "validation", "test"):
        table.add_column(console.plain(title), justify="left" if title == metric else "right")
    for name, (val, test) in rows.items():
        table.add_row(name, formatting.score(val), "" if test is None else formatting.score(test))
    console.terminal().print(table)
