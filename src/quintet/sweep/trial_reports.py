"""Decisions on trials' reports: each is made once, and asking again returns the same answer."""

from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan


def stops(plan: Plan, study: Study, trial: Trial, epochs: int, value: float | None) -> bool:
    """Return whether a trial stops after `epochs` epochs; a new report is stored with the answer.

    A trial that was killed before it saved an epoch trains and reports that epoch again. One that
    was killed later may not have received the answer.

    Args:
        plan: of the sweep.
        study: of the sweep.
        trial: that reports, with its reports so far.
        epochs: number of epochs trained.
        value: the metric; None if a trial continued from a checkpoint asks again.

    """
    needs_reports = plan.scheduler.needs_reports
    if epochs in trial.reports:
        value, stop = trial.reports[epochs], trial.stopped_by(epochs)
    elif value is None or not needs_reports:
        stop = trial.stopped_by(epochs)
    else:
        trial.reports[epochs] = value
        stop = plan.scheduler.stops(trial, epochs, study.trials, plan.mode)
    if value is not None:
        trial.reports[epochs] = value
        if needs_reports:
            study.report(trial.number, epochs, value, stop=stop)
    return stop
