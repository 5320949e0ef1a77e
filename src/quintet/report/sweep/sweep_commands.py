"""The commands to continue from a sweep, ready to copy."""

from quintet.base.console import command_line, train_line, typed
from quintet.config.safe_overrides import overrides_of, split_by_safety
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.trial_significance import missing_predictions
from quintet.study.overrides import assignments
from quintet.study.trial import Trial
from quintet.training import next_commands

SEEDS = "1,2,3,4,5"


def next_steps(sweep: SweepData) -> dict[str, str]:
    """Return the next steps with the sweep and its winner."""
    folder = typed(sweep.folder)
    steps = {}
    if sweep.winner is not None:
        run = sweep.folder / "best"
        if sweep.best is None and not sweep.winner_is_lost:
            run = sweep.trial_folder(sweep.winner.number)
        by_sample = sweep.record is None or sweep.record.by_sample
        if by_sample:
            steps["predict"] = next_commands.predict(run)
        steps["evaluate"] = next_commands.evaluate(run)
        steps["other seeds"] = seeds(sweep, sweep.winner)
        if missing := missing_predictions(sweep):
            steps["test significance"] = _evaluate(sweep, missing)
        if by_sample and len(sweep.valued) > 1:
            steps["ensemble"] = command_line("ensemble", f"sweep={folder}")
    if command := sweep.about.get("command"):
        words, out = overrides_of(str(command))
        if not out:
            steps["continue"] = train_line(*words)
    steps["this report"] = report(sweep)
    return steps


def report(sweep: SweepData) -> str:
    """Return the command that writes this page, from where the study is."""
    words = overrides_of(str(sweep.about.get("command")))[0]
    stored = [w.removeprefix("sweeper.") for w in words if w.startswith("sweeper.storage=")]
    return command_line("report", f"sweep={typed(sweep.folder)}", *stored)


def first_steps(sweep: SweepData) -> dict[str, str]:
    """Return the most important of the next steps."""
    first = ("predict", "test significance", "other seeds", "ensemble", "continue")
    found = {what: how for what, how in next_steps(sweep).items() if what in first}
    return found or next_steps(sweep)


def rerun(sweep: SweepData, trial: Trial) -> str:
    """Return the command that reruns a trial on its own, without the test set."""
    return train_line(*_words(sweep, trial), "test=false")


def seeds(sweep: SweepData, trial: Trial) -> str:
    """Return the command that repeats a trial with other seeds."""
    return next_commands.seeds(SEEDS, _words(sweep, trial))


def _evaluate(sweep: SweepData, numbers: list[int]) -> str:
    """Return the command that saves trials' predictions and updates the report."""
    folders = map(sweep.trial_folder, numbers)
    kept = [next_commands.evaluate(folder, "splits=[val]") for folder in folders]
    return " && ".join([*kept, report(sweep)])


def left_out(sweep: SweepData) -> list[str]:
    """Return the overrides omitted from the commands, as they could run code."""
    trials = (word for trial in sweep.trials for word in assignments(trial.params))
    untrusted = overrides_of(str(sweep.about.get("command") or "python train.py"))[1]
    return list(
        dict.fromkeys([*untrusted, *split_by_safety([*sweep.spec.get("fixed", []), *trials])[1]])
    )


def _words(sweep: SweepData, trial: Trial) -> list[str]:
    return [*sweep.fixed, *split_by_safety(assignments(trial.params))[0]]
