"""Decisions on trials' reports: each is made once, and asking again returns the same answer."""

from quintet.study import fronts
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import Report


def stops(plan: Plan, study: Study, trial: Trial, report: Report) -> bool:
    """Return whether a trial stops after a report; a new one is stored with the answer.

    A trial that was killed before it saved an epoch trains and reports that epoch again. One that
    was killed later may not have received the answer.

    Args:
        plan: of the sweep.
        study: of the sweep.
        trial: that reports, with its reports so far.
        report: the new one; without a value if a trial continued from a checkpoint asks again.

    """
    epochs, value, needs_reports = report.epochs, report.value, plan.scheduler.needs_reports
    if epochs in trial.reports:
        value, stop = trial.reports[epochs], trial.stopped_by(epochs)
    elif value is None or not needs_reports:
        stop = trial.stopped_by(epochs)
    else:
        trial.reports[epochs] = value
        stop = _decided(plan, study, trial, report)
    if value is not None:
        trial.reports[epochs] = value
        if needs_reports:
            study.report(trial.number, epochs, value, stop=stop)
    return stop


def _decided(plan: Plan, study: Study, trial: Trial, report: Report) -> bool:
    """Return the scheduler's decision on a trial, whose reports are up to this one."""
    if not plan.compared_by:
        return plan.scheduler.stops(trial, report.epochs, study.trials, plan.mode)
    metric = {} if report.value is None else {plan.metric: report.value}
    note = fronts.note(report.epochs, {**report.objectives, **metric})
    trial.notes |= note
    study.note(trial.number, **note)
    others = [t for t in study.trials() if t.number != trial.number]
    seen, mode = plan.compared([*others, trial])
    return plan.scheduler.stops(seen[-1], report.epochs, lambda: seen, mode)
