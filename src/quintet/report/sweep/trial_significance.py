"""Whether one trial's lead over another is significant, by the best test available."""

from quintet.analysis.measures import MEASURES
from quintet.analysis.significance import Judgement, judge, judge_answers, judge_folds
from quintet.artifacts.predictions_file import Predictions, read
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.trial import Trial


def significance(sweep: SweepData, winner: Trial, other: Trial) -> Judgement:
    """Test the winner's lead: by folds, by the same samples, or by the scores alone."""
    trials = max(1, len(sweep.valued))
    one, two = (sweep.records.get(t.number) for t in (winner, other))
    if one and two and one.repeats and two.repeats:
        return judge_folds(one.repeats, two.repeats, trials)
    a, b = predictions(sweep, winner), predictions(sweep, other)
    if a and b and (found := judge_answers(sweep.metric, a, b, trials)):
        return found
    assert winner.value is not None
    assert other.value is not None
    return judge(sweep.metric, winner.value, other.value, samples(sweep), trials)


def predictions(sweep: SweepData, trial: Trial) -> Predictions | None:
    """Return a trial's predictions on validation data, if they were saved."""
    best = sweep.best and sweep.winner and sweep.winner.number == trial.number
    return read(sweep.folder / "best" if best else sweep.trial_folder(trial.number)).get("val")


def samples(sweep: SweepData) -> int | None:
    """Return the number of validation samples."""
    return sweep.record.facts.get("val_size") if sweep.record else None


def comparable(winner: Trial, other: Trial) -> bool:
    """Return whether two trials can be compared: a pruned one was stopped early, and lost."""
    return other.value is not None and (other.state == "completed" or winner.state == "pruned")


def missing_predictions(sweep: SweepData) -> list[int]:
    """Return the trials whose predictions are missing to test the winner's lead."""
    a, b = sweep.winner, sweep.runner_up
    if a is None or b is None or sweep.metric not in MEASURES:
        return []
    if significance(sweep, a, b).kind != "unknown" or any(
        r.repeats for r in sweep.records.values()
    ):
        return []
    return [t.number for t in (a, b) if t.number in sweep.records and not predictions(sweep, t)]
