"""Schedulers: the papers' arithmetic, and which trials survive."""

import doctest

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parent import loop, plan, swept

from quintet.base.errors import Code, UserError
from quintet.study.ranking import ranked
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep import trial_reports
from quintet.sweep.trial_process import Report
from quintet.sweep.trial_schedulers import (
    ContinueTrial,
    Finished,
    PruneTrial,
    StartTrial,
    Wait,
    halving,
)
from quintet.sweep.trial_schedulers.finalists import Finalists
from quintet.sweep.trial_schedulers.halving import Hyperband, SuccessiveHalving, bracket
from quintet.sweep.trial_schedulers.lengthening import Lengthening
from quintet.sweep.trial_schedulers.pruners import Asha, Median, OptunaPruner
from usual import every


def test_the_examples_hold():
    assert doctest.testmod(halving).failed == 0


def test_hyperbands_brackets_are_the_papers():
    assert [starts for starts, _ in Hyperband().round(27)] == [27, 12, 6, 4]
    assert Hyperband().total(27) == 49
    table = [[(r.trials, r.epochs) for r in b] for b in Hyperband().brackets(49, 27)]
    assert table == [
        [(27, 1), (9, 3), (3, 9), (1, 27)],
        [(12, 3), (4, 9), (1, 27)],
        [(6, 9), (2, 27)],
        [(4, 27)],
    ]


def test_hyperband_of_the_papers_example_with_81():
    starts = [starts for starts, _ in Hyperband().round(81)]
    assert starts == [81, 34, 15, 8, 5]


def test_more_trials_than_a_round_begin_another():
    sizes = [b[0].trials for b in SuccessiveHalving().brackets(30, 9)]
    assert sizes == [9, 9, 9, 3]
    assert bracket(3, 2, 9, 3)[-1].trials == 1


def simulate(scheduler, quality, max_epochs, mode="max", limit=None):
    """Play a scheduler with one slot; P never changes. Return epochs by trial, and the moves."""
    trials, moves = [], []
    limit = limit or scheduler.total(max_epochs)
    while not isinstance(move := scheduler.move(trials, limit, max_epochs, mode), Finished):
        moves.append(move)
        assert not isinstance(move, Wait)
        if isinstance(move, PruneTrial):
            trials[move.number].state = "pruned"
            continue
        if isinstance(move, StartTrial):
            trials.append(Trial(len(trials), "running", None, {}, {}, dict(move.notes)))
            trial = trials[-1]
        else:
            trial = trials[move.number]
            trial.notes["budget"] = move.budget
        at = trial.notes["budget"]
        trial.value = trial.reports[at] = quality(trial.number)
        if at >= max_epochs:
            trial.state = "completed"
        else:
            trial.notes["paused_at"] = at
    return [t.notes["budget"] for t in trials], moves


@pytest.mark.parametrize("mode", ["max", "min"])
def test_halving_really_halves_and_keeps_the_best(mode):
    sign = 1 if mode == "max" else -1
    epochs, moves = simulate(SuccessiveHalving(), lambda n: sign * n, 27, mode)
    assert [sum(e >= rung for e in epochs) for rung in (1, 3, 9, 27)] == [27, 9, 3, 1]
    assert epochs[26] == 27
    assert [m.number for m in moves if isinstance(m, ContinueTrial)][:9] == [*range(26, 17, -1)]


def test_hyperband_trains_what_the_paper_trains():
    epochs, _ = simulate(Hyperband(), lambda n: n, 27)
    assert len(epochs) == 49
    assert sum(e == 27 for e in epochs) == 1 + 1 + 2 + 4


def test_a_rung_waits_for_its_last_trial_and_the_slot_begins_the_next_bracket():
    scheduler = Hyperband()
    trials = [
        Trial(i, "running", 0.5, {}, {1: 0.5}, {"bracket": 0, "budget": 1, "paused_at": 1})
        for i in range(27)
    ]
    trials[5] = Trial(5, "running", None, {}, {}, {"bracket": 0, "budget": 1})
    assert scheduler.move(trials, 49, 27, "max") == StartTrial({"bracket": 1, "budget": 3})
    assert isinstance(scheduler.move(trials, 27, 27, "max"), Wait)


def test_failed_trials_leave_their_places_to_others():
    def made(n):
        notes = {"bracket": 0, "budget": 1, "paused_at": 1}
        return Trial(n, "failed" if n < 8 else "running", 1.0 * n, {}, {1: n}, notes)

    move = SuccessiveHalving().move([made(n) for n in range(9)], 9, 9, "max")
    assert move == ContinueTrial(8, 3)


@pytest.mark.parametrize(
    ("scheduler", "wrong"),
    [
        (SuccessiveHalving, {"eta": 1}),
        (SuccessiveHalving, {"min_epochs": 0}),
        (Asha, {"eta": 1}),
        (Asha, {"min_epochs": 0}),
        (Finalists, {"pause": -1}),
        (Lengthening, {"each": 0}),
    ],
)
def test_a_scheme_that_never_ends_is_refused(scheduler, wrong):
    with pytest.raises(UserError) as caught:
        scheduler(**wrong)
    (name,) = wrong
    assert (caught.value.code, caught.value.key) == (
        Code.OUT_OF_RANGE,
        f"sweeper.scheduler.{name}",
    )


def epochs_used(folder):
    return [t.notes["epochs"] for t in Study.read(folder).trials()]


def test_survivors_go_on_from_their_checkpoints(tmp_path):
    space = swept(x=[3, 1, 9, 4, 2, 8, 7, 5, 6])
    chosen = plan(tmp_path, space, fixed=("epochs=9",), max_epochs=9, scheduler=SuccessiveHalving())
    assert loop(chosen, slots=2).run()
    assert sorted(epochs_used(tmp_path)) == [1] * 6 + [3, 3, 9]
    starts = [line.split()[:2] for line in (tmp_path / "trials/ran").read_text().splitlines()]
    assert [first for number, first in starts if number == "0002"] == ["0", "1", "3"]
    states = [t.state for t in Study.read(tmp_path).trials()]
    assert states.count("pruned") == 8
    assert states[2] == "completed"


def test_finalists_alone_train_to_the_end(tmp_path):
    space = swept(x=[3, 1, 9, 4, 2, 8, 7, 5, 6])
    scheduler = Finalists(min_epochs=3, pause=3)
    chosen = plan(tmp_path, space, fixed=("epochs=9",), max_epochs=9, scheduler=scheduler)
    assert loop(chosen).run()
    trials = Study.read(tmp_path).trials()
    whole = [t for t in trials if t.state == "completed"]
    best = sorted(trials, key=lambda t: t.reports[3], reverse=chosen.mode == "max")
    assert set(map(id, best[:3])) <= set(map(id, whole))
    assert all(t.notes["epochs"] == (9 if t in whole else 3) for t in trials)
    assert {t.state for t in trials} == {"completed", "pruned"}


def test_what_only_lacked_time_may_win(tmp_path):
    def trial(n, state, value, **notes):
        return Trial(n, state, value, {}, {}, notes)

    trials = [
        trial(0, "completed", 0.8),
        trial(1, "pruned", 0.9, cut=True),
        trial(2, "pruned", 0.95),
        trial(3, "running", 0.85, budget=3, paused_at=3),
        trial(4, "running", None),
    ]
    assert [t.number for t in ranked(trials, "max")] == [1, 3, 0, 2, 4]
    trials += [trial(5, "completed", 0.7, parts=5), trial(6, "pruned", 0.75, cut=True, parts=3)]
    assert [t.number for t in ranked(trials, "max")][:3] == [5, 6, 1]


def test_a_halving_that_was_stopped_continues_to_the_same_end(tmp_path):
    space = swept(x=[3, 1, 9, 4, 2, 8, 7, 5, 6])
    chosen = plan(tmp_path, space, fixed=("epochs=9",), max_epochs=9, scheduler=SuccessiveHalving())
    for stop_after in (3, 5, 4, 99):
        its = loop(chosen)
        its.stopping = lambda its=its, n=stop_after: len(its.outcomes) >= n
        its.run()
    assert sorted(epochs_used(tmp_path)) == [1] * 6 + [3, 3, 9]


@pytest.mark.parametrize(
    "scheduler", [Asha(min_epochs=1, eta=3), Median(startup=2)], ids=lambda s: type(s).__name__
)
@pytest.mark.parametrize("mode", ["max", "min"])
def test_what_falls_behind_is_stopped_and_what_leads_is_not(tmp_path, scheduler, mode):
    sign = 1 if mode == "max" else -1
    space = swept(x=[sign * x for x in (5, 6, 1, 2, 7)])
    chosen = plan(
        tmp_path, space, fixed=("epochs=9",), max_epochs=9, scheduler=scheduler, mode=mode
    )
    assert loop(chosen).run()
    states = [t.state for t in Study.read(tmp_path).trials()]
    assert states == ["completed", "completed", "pruned", "pruned", "completed"]


VALUES = st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, float("nan")])
CURVES = st.lists(st.lists(VALUES, min_size=9, max_size=9), min_size=1, max_size=12)
OPTUNAS = {
    Asha(1, 3): optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    Asha(2, 2): optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=2),
    Median(2): optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
    Median(0, 3): optuna.pruners.MedianPruner(n_startup_trials=0, n_warmup_steps=3),
}


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("ours", OPTUNAS)
@pytest.mark.parametrize("mode", every(3, ["max", "min"]))
@given(curves=CURVES)
def test_the_rules_are_those_of_optunas_pruners(ours, mode, curves):
    study = optuna.create_study(direction={"max": "maximize", "min": "minimize"}[mode])
    trials = []
    for number, curve in enumerate(curves):
        theirs, own = study.ask(), Trial(number, "running", None, {})
        for epochs, value in enumerate(curve, start=1):
            theirs.report(value, epochs)
            own.reports[epochs] = value
            frozen = study._storage.get_trial(theirs._trial_id)
            stop = ours.stops(own, epochs, lambda: trials, mode)
            assert stop == OPTUNAS[ours].prune(study, frozen)
            if stop:
                break
        own.state = "pruned" if stop else "completed"
        state = "PRUNED" if stop else "COMPLETE"
        study.tell(theirs, None if stop else 0.0, state=optuna.trial.TrialState[state])
        trials.append(own)


def test_later_rounds_train_longer_and_only_the_last_can_win(tmp_path):
    scheduler = Lengthening(each=2, rounds=3)
    chosen = plan(
        tmp_path, swept(x=range(7)), fixed=("epochs=8",), max_epochs=8, scheduler=scheduler
    )
    assert loop(chosen, slots=2).run()
    assert epochs_used(tmp_path) == [2, 2, 4, 4, 8, 8, 8]
    states = [t.state for t in Study.read(tmp_path).trials()]
    assert states == ["pruned"] * 4 + ["completed"] * 3


def test_a_round_waits_for_the_one_it_builds_on():
    scheduler = Lengthening(each=2, rounds=3)
    trials = [Trial(0, "completed", 1.0, {}), Trial(1, "running", None, {})]
    assert isinstance(scheduler.move(trials, 6, 8, "max"), Wait)


def test_what_was_decided_stays_and_a_kill_cannot_part_it_from_its_report(tmp_path):
    """The others' history has grown since: by it the trial would stop at another epoch."""
    chosen = plan(tmp_path, swept(x=range(3)), scheduler=Asha(1, 2), max_epochs=8)
    study = loop(chosen).study
    for _ in range(3):
        study.create({"x": "1"}, chosen.space, {})
    of = lambda number: study.trials()[number]  # noqa: E731
    assert not trial_reports.stops(chosen, study, of(0), Report(1, 0.5))
    assert trial_reports.stops(chosen, study, of(1), Report(1, 0.4))
    assert not trial_reports.stops(chosen, study, of(2), Report(1, 0.6))
    assert trial_reports.stops(chosen, study, of(1), Report(1, 0.9)), (
        "told again, though by now it leads"
    )
    assert trial_reports.stops(chosen, study, of(1), Report(1, None))
    assert not trial_reports.stops(chosen, study, of(0), Report(1, 0.1)), (
        "told again, though it is last by now"
    )
    assert [t.reports for t in study.trials()] == [{1: 0.5}, {1: 0.4}, {1: 0.6}]


def test_a_report_that_stops_a_trial_is_whole_in_its_first_write(tmp_path):
    chosen = plan(tmp_path, swept(x=[1]))
    study = loop(chosen).study
    study.create({"x": "1"}, chosen.space, {})
    study.report(0, 3, 0.5, stop=True)
    path = tmp_path / "journal.log"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    (trial,) = Study.read(tmp_path).trials()
    assert trial.reports == {3: 0.5}
    assert [trial.stopped_by(epochs) for epochs in (2, 3, 4)] == [False, True, True]


def test_a_trial_that_may_continue_again_is_not_stopped_by_its_last_rung(tmp_path):
    notes = {"stop": {"epochs": 1, "value": 0.5}, "budget": 3}
    assert not Trial(0, "running", 0.5, {}, {1: 0.5}, notes).stopped_by(1)
    assert Trial(0, "running", 0.5, {}, {1: 0.5}, notes | {"budget": 1}).stopped_by(1)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["trainer.max_epochs=27"], 3),
        (["trainer.max_epochs=5"], 1),
        (["trainer.max_epochs=27", "scheduler=constant"], 1),
        (["trainer.max_epochs=27", "scheduler=constant,cosine"], 3),
        (["trainer.max_epochs=27", "sweeper.scheduler.min_epochs=1"], 1),
        (["trainer.max_epochs=27", "cv.folds=3"], 3),
    ],
)
def test_the_first_rung_waits_for_a_schedule(settled, words, first):
    chosen = settled("sweeper=asha", "optimizer.lr=interval(1e-3,1)", *words)
    assert chosen.scheduler.min_epochs == first
    assert chosen.settings.scheduler.min_epochs in (None, 1), "the study's strategy is as given"


def test_trials_are_compared_within_an_option():
    asha = Asha(1, 2, within="scheduler")
    trials = [
        Trial(n, "completed", v, {"scheduler": s}, {1: v})
        for n, (v, s) in enumerate([(0.9, "constant"), (0.8, "constant"), (0.3, "one_cycle")])
    ]
    slow = Trial(3, "running", None, {"scheduler": "one_cycle"}, {1: 0.5})
    assert not asha.stops(slow, 1, lambda: [*trials, slow], "max")
    assert Asha(1, 2).stops(slow, 1, lambda: [*trials, slow], "max")


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=3, max_size=8))
def test_a_pruner_by_its_path_decides_as_optunas_own_loop(curves):
    ours = OptunaPruner(lambda: optuna.pruners.MedianPruner(1))
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(1))
    trials = []
    for number, curve in enumerate(curves):
        trial, theirs = Trial(number, "running", None, {}), study.ask()
        trials.append(trial)
        for epochs, value in enumerate(curve, 1):
            trial.reports[epochs] = value
            theirs.report(value, epochs)
            stop = ours.stops(trial, epochs, lambda: trials, "max")
            assert stop == theirs.should_prune()
            if stop:
                break
        trial.value, trial.state = value, "pruned" if stop else "completed"
        state = optuna.trial.TrialState.PRUNED if stop else optuna.trial.TrialState.COMPLETE
        study.tell(theirs, None if stop else value, state=state)


def test_a_pruner_that_would_compare_nothing_is_refused():
    with pytest.raises(UserError) as caught:
        OptunaPruner(optuna.pruners.HyperbandPruner)
    assert caught.value.code == Code.INCOMPATIBLE
