"""How much of one trial's lead over another may be chance, by all that is known of the two."""

from quintet.analysis.measures import MEASURES
from quintet.analysis.significance import Judgement, judge, judge_answers, judge_folds
from quintet.artifacts.predictions_file import Predictions, read
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.trial import Trial


def judged(sweep: SweepData, winner: Trial, other: Trial) -> Judgement:
    """Say what the winner's lead is worth: by folds, by the same samples, or by P alone."""
    trials = max(1, len(sweep.valued))
    one, two = (sweep.records.get(t.number) for t in (winner, other))
    if one and two and one.repeats and two.repeats:
        return judge_folds(one.repeats, two.repeats, trials)
    a, b = answers(sweep, winner), answers(sweep, other)
    if a and b and (found := judge_answers(sweep.metric, a, b, trials)):
        return found
    assert winner.value is not None
    assert other.value is not None
    return judge(sweep.metric, winner.value, other.value, samples(sweep), trials)


def answers(sweep: SweepData, trial: Trial) -> Predictions | None:
    """Return what a trial's model answered on validation data, where that was kept."""
    best = sweep.best and sweep.winner and sweep.winner.number == trial.number
    return read(sweep.folder / "best" if best else sweep.trial_folder(trial.number)).get("val")


def samples(sweep: SweepData) -> int | None:
    """Return how many validation samples P was measured on."""
    return sweep.record.facts.get("val_size") if sweep.record else None


def whole(winner: Trial, other: Trial) -> bool:
    """Tell whether two trials can be compared: one that was pruned was cut short, so it lost."""
    return other.value is not None and (other.state == "completed" or winner.state == "pruned")


def untold(sweep: SweepData) -> list[int]:
    """Return the trials whose answers are missing to judge the winner's lead over the runner-up."""
    a, b = sweep.winner, sweep.runner_up
    if a is None or b is None or sweep.metric not in MEASURES:
        return []
    if judged(sweep, a, b).kind != "unknown" or any(r.repeats for r in sweep.records.values()):
        return []
    return [t.number for t in (a, b) if t.number in sweep.records and not answers(sweep, t)]
