"""What a sweep prints on the console."""

import math
import os
import sys
import time

from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import Record, voters
from quintet.base.console import (
    command_line,
    plain,
    say,
    shortest,
    terminal,
    train_line,
    typed,
)
from quintet.base.formatting import duration, listed, margin, plural, rounded, score, short
from quintet.study import leaderboard, ranking
from quintet.study.constraints import described, violation
from quintet.study.fronts import KEY
from quintet.study.overrides import assignments
from quintet.study.space import Params
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep import warm_start
from quintet.sweep.option_spaces import family
from quintet.sweep.plan import Plan
from quintet.sweep.trial_outcome import Outcome
from quintet.sweep.trial_schedulers.population import PopulationBased
from quintet.training import next_commands
from quintet.training.summary import print_commands

SHOWN = 10
"""Rows of the leaderboard on the console; the file has them all."""
WORTH_ESTIMATING = 5.0
"""Seconds after which the remaining time of a sweep is estimated."""


class PlainView:
    """Plain lines, one for each important event.

    Args:
        plan: of the sweep.
        study: of the sweep; other workers may write to it as well.
        total: number of trials of the study.

    """

    def __init__(self, plan: Plan, study: Study, total: int) -> None:
        self.plan, self.study, self.total, self.console = plan, study, total, terminal()
        before = leaderboard.winner(study)
        self.best = before.value if before else None
        self.ended_ones = study.ended()
        self.before = len(self.ended_ones)
        self.began_at: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.start_time = time.monotonic()
        self._reasons: set[str] = set()

    def __enter__(self) -> "PlainView":
        """Return the view itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def started(self, trial: Trial, slot: int) -> None:
        """Record the start time."""
        self.waiting.pop(trial.number, None)
        self.began_at[trial.number] = time.monotonic()

    def reported(self, trial: Trial, epochs: int, value: float) -> None:
        """Print an epoch of a single trial; with several trials, epochs are not printed."""
        if self.total == 1:
            self.say(f"epoch {epochs}  {self.plan.metric} {score(value)}")

    def progressed(self, trial: Trial, epochs: float) -> None:
        """Print nothing within an epoch."""

    def rerun(self, trial: Trial, reason: str) -> None:
        """Print once why trials are not stacked."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            self.say(f"  not stacked: {plain(reason.splitlines()[0] if reason else '?')}")

    def ended(self, trial: Trial, how: Outcome) -> None:
        """Print the outcome of a trial."""
        if self._waits(how):
            self.waiting[trial.number] = how.epochs / self.plan.max_epochs
        else:
            self.ended_ones.update({trial.number}, self.study.ended())
        took = time.monotonic() - self.began_at.get(trial.number, time.monotonic())
        what = brief(trial.params)
        if how.value is None:
            shown = f"[red]{how.status}[/]: {plain(' '.join((how.reason or '').splitlines()[0:1]))}"
        else:
            shown = f"{self.plan.metric} {score(how.value)}{spread(how.spread, how.value)}"
            shown += traded(self.plan, how)
            shown += (
                f" [yellow]after {plural(how.epochs, 'epoch')}[/]" if how.state == "pruned" else ""
            )
            eligible = how.state == "completed" and feasible(self.plan, how)
            if eligible and better(how.value, self.best, self.plan.mode):
                self.best = how.value
                shown += " [green]best so far[/]"
        place = f"[{len(self.ended_ones)}/{self.total}] trial {trial.number}"
        left = f", {left} left" if (left := self.left()) else ""
        self.say(f"{place}  {plain(what)}  {shown}  {took:.1f} s{left}")

    def _waits(self, how: Outcome) -> bool:
        """Return whether a trial is paused and will be continued, as every one of a population."""
        return how.state == "pruned" and isinstance(self.plan.scheduler, PopulationBased)

    def left(self, underway: float = 0.0) -> str:
        """Return an estimate of the remaining time, based on the trials that have ended.

        Args:
            underway: work done in running trials, in units of trials.

        Returns:
            about 3.1 min; "" before a trial has ended, and of a sweep of seconds, and at the end.

        """
        done = len(self.ended_ones) - self.before + sum(self.waiting.values())
        spent = time.monotonic() - self.start_time
        if not done or spent < WORTH_ESTIMATING:
            return ""
        if (remaining := self.total - self.before - done - underway) <= 0:
            return ""
        seconds = max(0.0, spent * remaining / (done + underway))
        limit = self.plan.settings.timeout
        return f"about {duration(min(seconds, max(0.0, limit - spent)) if limit else seconds)}"


def better(value: float, than: float | None, mode: str) -> bool:
    """Return whether one value of the metric is better than another."""
    return than is None or (value < than if mode == "min" else value > than)


def announce(plan: Plan, study: Study, total: int, slots: int) -> None:
    """Print what will be tried; `slots` is the total over all workers."""
    done = len(study.ended())
    goes_on = f", {done} of them done before" if done else ""
    say("")
    trials = plural(total, "trial")
    say("[bold]{}[/]: {}{}, {} at a time", plan.folder.name, trials, goes_on, slots)
    for key, values in plan.space.describe().items():
        say("  {}={}", key, values)
    if plan.warm_start and not done:
        say("  first the defaults, then the best trials of {}", _earlier(study))
    objectives = plan.objectives or {plan.metric: plan.mode}
    each = (f"{n}, the {'smaller' if m == 'min' else 'greater'}" for n, m in objectives.items())
    say("  P: {} the better", "; ".join(each))
    if plan.constraints:
        say("  only trials with {} can win", described(plan.constraints))
    say("")


def advise_workers(launcher: str) -> None:
    """Print how to make a launcher run more than one trial at a time."""
    say(
        "[yellow]note[/]  hydra/launcher={} starts one job, for one trial at a time: "
        "sweeper.workers={} starts as many as this machine has cores",
        launcher,
        os.cpu_count() or 1,
    )


def _earlier(study: Study) -> str:
    """Return the trials of a warm start as text: houses (trial 7), flats (trial 3)."""
    return ", ".join(
        f"{each.study} (trial {each.trial})" for each in warm_start.started_from(study)
    )


def say_stopped(why: str) -> None:
    """Print why the sweep ended before all of its trials."""
    say("[bold]stopped[/] {}", why)


def summarise(plan: Plan, study: Study, best: Trial, record: Record | None) -> None:
    """Print the leaderboard, the winner, and the next commands."""
    from rich import box
    from rich.table import Table

    rows = leaderboard.rows(study)
    others = (*ranking.COLUMNS, ranking.SPREAD, ranking.STEERED)
    swept = [k for k in rows[0] if k not in others]
    swept = [k for k in swept if len({row[k] for row in rows}) > 1]
    states = {row["state"] for row in rows} - {"completed"}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    last = ["state"] if states else []
    for name in ("trial", plan.metric, *map(short, swept), "epochs", *last):
        table.add_column(plain(name), justify="right" if name in ("trial", plan.metric) else "left")
    for row in rows[:SHOWN]:
        value = "" if row["value"] is None else score(row["value"])
        value += spread(row.get(ranking.SPREAD), row["value"])
        cells = [str(row["trial"]), value, *(plain(rounded(row[k])) for k in swept)]
        table.add_row(*cells, str(row["epochs"]), *[row["state"] for _ in last])
    console = terminal()
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a file has room for every column
    console.print(table)
    if len(rows) > SHOWN:
        say("... {} more in {}", len(rows) - SHOWN, shortest(plan.folder / leaderboard.FILE))
    if shares := leaderboard.importance(study):
        parts = (f"{k} {v:.0%}{_expected(k)}" for k, v in shares.items())
        say("importance  {}", " · ".join(parts))
    for warning in (
        *leaderboard.steering_warnings(study),
        *leaderboard.edge_warnings(best, plan.space),
    ):
        say("[yellow]note[/]  {}", warning)
    _say_winner(plan, study, best, record)


def traded(plan: Plan, how: Outcome) -> str:
    """Return what else a trial is compared by, to append to a value of the metric."""
    told = "".join(f", {name} {score(how.objectives[name])}" for name in plan.compared_by[1:])
    return told if feasible(plan, how) else f"{told} [yellow]infeasible[/]"


def feasible(plan: Plan, how: Outcome) -> bool:
    """Return whether a trial that has ended holds the sweep's constraints."""
    return violation(how.objectives, plan.constraints) == 0


def spread(deviation: float | None, value: float | None) -> str:
    """Return the standard deviation over folds, to append to a value of the metric."""
    return "" if deviation is None else f" ± {margin(deviation, value)}"


def _expected(key: str) -> str:
    level = leaderboard.SENSITIVITY.get(key)
    return f" (usually {level})" if level else ""


def brief(params: Params) -> str:
    """Return params in short form: lr=0.02402 width=143."""
    return " ".join(f"{short(key)}={rounded(value)}" for key, value in params.items())


def _say_winner(plan: Plan, study: Study, best: Trial, record: Record | None) -> None:
    mode = "smallest" if plan.mode == "min" else "greatest"
    if plan.objectives:
        front = [t.number for t in leaderboard.front(study)]
        say(
            "front     {} of {}: no other is as good in all objectives; best/ has the best {}",
            *(plural(len(front), "trial"), len(study.ended()), plan.metric),
        )
    say(
        "P is {} on validation data, {} wins: [bold]{}[/] in trial {} ({})",
        plan.metric,
        mode,
        score(best.value),
        best.number,
        " ".join(assignments(best.params)),
    )
    if plan.families:
        say("families  {}", families(plan, study))
    if best.state != "completed":
        say("[yellow]note[/]  {}", _unfinished(plan, study, best))
    if record is None:
        say("[yellow]note[/]  no trial has its checkpoint any more, so there is no best/. Again:")
        overrides = (*plan.fixed, *assignments(best.params))
        say("train     {}", train_line(*overrides))
        return
    if (tested := record.test.get(plan.metric)) is not None:
        models = (
            f"the average of its {n} models" if (n := len(record.repeats)) > 1 else "that one model"
        )
        say(f"test {plan.metric} of {models}: [bold]{score(tested)}[/]")
    for anomaly in record.anomalies:
        say("[yellow]note[/]  {}", anomaly)
    folder = plan.folder / "best"
    say("best      [bold]{}[/]", shortest(folder))
    print_commands(folder, record)
    say("continue  {}", continue_command(plan))


def families(plan: Plan, study: Study) -> str:
    """Return the best value of each family, and whether another module beats the networks."""
    best: dict[tuple[str, str], float] = {}
    for trial in leaderboard.ranked(study):
        if trial.value is not None and (of := family(trial.params)):
            best.setdefault(of, trial.value)
    line = " · ".join(f"{option} {score(value)}" for (_, option), value in best.items())
    won = next(iter(best), ("", ""))
    nets = {option: value for (group, option), value in best.items() if group == "model"}
    net = next(iter(nets), None)
    if net and won[0] == "module" and better(best[won], nets[net], plan.mode):
        line += f"; {won[1]} wins: the best network, {net}, is behind on validation data"
    return line


def _unfinished(plan: Plan, study: Study, best: Trial) -> str:
    """Return a note on a winner that was not trained to its end."""
    epochs = plural(best.notes.get("epochs", 0), "epoch")
    limit = plan.settings.timeout
    more = "" if limit is None else f": sweeper.timeout={limit:g} is short for these data, raise it"
    if any(t.state == "completed" for t in study.trials()):
        return f"trial {best.number} was trained for {epochs}, not to its end{more}"
    return f"no trial was trained to its end, trial {best.number} for {epochs}{more}"


def print_ensemble(plan: Plan, made: Ensemble | str | None) -> None:
    """Print the scores of the ensemble and of the best single model, or why there is none."""
    if made is None:
        return
    if isinstance(made, str):
        say("[yellow]note[/]  there is no ensemble: {}", made)
        return
    parts = [f"[bold]{score(made.val)}[/] on validation (best single {score(made.single_val)})"]
    if made.test is not None:
        parts.append(f"test [bold]{score(made.test)}[/] (best single {score(made.single_test)})")
    say(f"ensemble of {voters(made.trials)}: {plan.metric} {', '.join(parts)}")
    folder = plan.folder / "ensemble"
    say("ensemble  [bold]{}[/]", shortest(folder))
    member = folder / next(iter(made.members))
    say("predict   {}", next_commands.predict(folder, member))


def print_outlook(plan: Plan, study: Study) -> None:
    """Print what more time would be used for, in a sweep that chose models within a limit."""
    limit, trials = plan.settings.timeout, study.trials()
    if limit is None or not plan.settings.look or len(study.ended()) >= plan.settings.n_trials:
        return
    tried = {family(trial.params) for trial in trials if trial.value is not None}
    waiting = [of[1] for p in plan.families if (of := family(p)) and of not in tried]
    best = leaderboard.winner(study)
    if waiting:
        rest = f"a first trial of {listed(waiting)}"
    else:
        of = family(best.params) if best else None
        rest = f"further hyperparameters{f' of {of[1]} and the others' if of else ''}"
    done = plural(sum(t.measured for t in trials), "trial")
    say("more time {} in {:g} s; the line above that continues adds {}", done, limit, rest)


def failures(study: Study) -> str:
    """Return the first failure's reason and the end of its log."""
    failed = next(t for t in study.trials() if t.state == "failed")
    log = failed.notes.get("log") or ""
    return (
        f"trial {failed.number} ({' '.join(assignments(failed.params))}) "
        f"{failed.notes.get('status')}: {failed.notes.get('reason')}\n"
        + "\n".join(f"  | {line}" for line in log.splitlines())
    )


def closest(study: Study) -> str:
    """Return which trial came closest to holding the constraints."""
    best = next(t for t in leaderboard.ranked(study) if not t.feasible)
    own = (f"{n} {score(best.notes[KEY].get(n, math.nan))}" for n in study.constraints)
    params = " ".join(assignments(best.params))
    return f"the closest is trial {best.number} ({params}) with {listed([*own])}"


def continue_command(plan: Plan) -> str:
    """Return the command that continues this sweep."""
    arguments = [a for a in sys.argv[1:] if a not in ("study=", "study=null")]
    named = any(a.startswith(("study=", "hydra.sweep.dir=")) for a in arguments)
    own = [] if named else [f"study={plan.folder.name}"]
    return command_line("train", *arguments, *own)


def report_command(plan: Plan) -> str:
    """Return the command that writes this sweep's report."""
    words = [a.removeprefix("sweeper.") for a in sys.argv[1:] if a.startswith("sweeper.storage=")]
    return command_line("report", f"sweep={typed(plan.folder)}", *words)
