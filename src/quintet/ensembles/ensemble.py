"""An ensemble of a sweep's best models: chosen on validation, averaged, tested once."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch
from omegaconf import DictConfig
from torch import Tensor

from quintet.artifacts import untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.output_paths import check, staging
from quintet.artifacts.record import CONFIG, ENSEMBLE, voters
from quintet.base import console, files
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import instantiate
from quintet.config.trust import Trust
from quintet.ensembles.candidates import (
    WEIGHTS,
    Candidate,
    CandidatePredictions,
    answers,
    candidates,
    on_test,
    same_samples,
)
from quintet.ensembles.member_selection import Quality, likelihood, select
from quintet.ensembles.members import score

MEMBERS, STAGED = "members", ".ensemble."


def assemble(cfg: DictConfig) -> Ensemble:
    """Choose members, copy them into one folder and tell how good they are together.

    Of two choices with the same P the one that thinks the truth more likely is the better.

    Raises:
        UserError: no number of models, no sweep folder, or trials that were not scored on the same
            samples.

    """
    console.quiet(cfg.debug)
    for key in ("candidates", "size"):
        if not isinstance(cfg[key], int) or isinstance(cfg[key], bool) or cfg[key] < 1:
            raise UserError(
                "is not a number of models",
                code=Code.OUT_OF_RANGE,
                key=key,
                value=cfg[key],
                hint="Give a whole number of at least 1.",
            )
    sweep = Path(cfg.sweep)
    output = Path(cfg.output) if cfg.output else untrusted_files.inside(sweep, "ensemble")
    check(output, {"sweep": sweep}, _is_ours, overwrite=bool(cfg.get("overwrite")))
    found = candidates(sweep, cfg.candidates)
    trust = Trust.of(cfg.get("trust"))
    said = [answers(candidate, trust) for candidate in found]
    if not all(same_samples(each, said[0]) for each in said):
        raise UserError(
            "has trials with different validation samples, so they cannot be compared",
            code=Code.INCOMPATIBLE,
            key="sweep",
            value=sweep,
            hint="Sweep without varying seed, data.seed, data.val, data.test and data.fold.",
        )
    on_val = [torch.cat(each.predicted) for each in said]
    first = said[0].cfg.metric
    p_of = over_folds(said[0])
    chosen = select(on_val, judge(said[0], p_of), cfg.size)
    values = [p_of(p) for p in on_val]
    single = values.index(max(values) if first.mode == "max" else min(values))
    made = Ensemble(first.name, first.mode)
    made.val, made.single_val = p_of(_mean(on_val, chosen)), values[single]
    if cfg.test:
        metric = instantiate(first, "metric")
        seen = {i: on_test(found[i], trust) for i in {single, *chosen}}
        made.test = score(metric, _mean(seen, chosen), said[0].test)
        made.single_test = score(metric, seen[single], said[0].test)
    save(made, output, {found[i]: count for i, count in chosen.items()})
    show(made, output)
    return made


def over_folds(answers: CandidatePredictions) -> Callable[[Tensor], float]:
    """Return what gives P of predictions of all folds, one after the other.

    It is the mean over folds, as in the record of a cross-validated run.
    """
    truth, sizes = answers.truth, [len(each) for each in answers.truth]
    metric = instantiate(answers.cfg.metric, "metric")

    def p_of(predicted: Tensor) -> float:
        folds = zip(torch.split(predicted, sizes), truth, strict=True)
        return fmean(score(metric, own, right) for own, right in folds)

    return p_of


def judge(
    answers: CandidatePredictions, p_of: Callable[[Tensor], float]
) -> Callable[[Tensor], Quality]:
    """Return what tells how good such predictions are: by P, then by how likely the truth is."""
    truth, task = torch.cat(answers.truth), answers.cfg.facts.task
    sign = 1 if answers.cfg.metric.mode == "max" else -1
    return lambda predicted: (sign * p_of(predicted), likelihood(predicted, truth, task))


def _mean(each: list[Tensor] | dict[int, Tensor], votes: dict[int, int]) -> Tensor:
    return torch.stack([count * each[i] for i, count in votes.items()]).sum(0) / sum(votes.values())


def save(made: Ensemble, output: Path, chosen: dict[Candidate, int]) -> None:
    """Copy the members' configs and checkpoints beside `ensemble.json`; then take the old's place.

    What else an output folder holds stays there.
    """
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
                made.members[name] = count
            made.trials[str(candidate.number)] = count
        if (output / MEMBERS).exists():
            (output / MEMBERS).replace(place / "before")
        (place / MEMBERS).replace(output / MEMBERS)
        made.write(output)


def _is_ours(output: Path) -> bool:
    """Tell whether a folder holds nothing but an earlier ensemble, whole or cut short."""
    names = {path.name for path in output.iterdir() if not path.name.startswith(STAGED)}
    inside = (output / MEMBERS).glob("*")
    return names <= {MEMBERS, ENSEMBLE} and all(path.name.isdigit() for path in inside)


def show(made: Ensemble, output: Path) -> None:
    """Print how good the ensemble is beside the best single model."""
    console.say("")
    console.say(f"[bold]Ensemble[/] of {voters(made.trials)}")
    assert made.val is not None
    assert made.single_val is not None
    _show_two(
        made.metric,
        {"ensemble": (made.val, made.test), "best single": (made.single_val, made.single_test)},
    )
    run = f"run={console.typed(output)}"
    console.say("→ [bold]{}[/]", console.shortest(output))
    console.say("predict   {}", console.command_line("predict", run, "input=new.csv"))


def _show_two(metric: str, rows: dict[str, tuple[float, float | None]]) -> None:
    """Print P of two models, on validation and, where it was opened, on test data."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    for title in (metric, "validation", "test"):
        table.add_column(console.plain(title), justify="left" if title == metric else "right")
    for name, (val, test) in rows.items():
        table.add_row(name, f"{val:.4f}", "" if test is None else f"{test:.4f}")
    console.terminal().print(table)
