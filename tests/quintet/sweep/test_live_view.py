"""The console view while a sweep runs."""

import io
import re
from dataclasses import replace

import pytest
from parent import loop, plan, swept
from rich.console import Console

from quintet.study.trial import Trial
from quintet.sweep.console_report import PlainView, announce, summarise
from quintet.sweep.live_view import LiveView, view
from quintet.sweep.trial_outcome import Outcome
from quintet.sweep.trial_schedulers.population import PopulationBased


def shown(live):
    console = Console(file=io.StringIO(), width=120)
    console.print(live.shown())
    return console.file.getvalue()


def test_the_live_view_shows_slots_last_values_and_failures(tmp_path):
    chosen = plan(tmp_path, swept(x=[1, 2, 3]))
    live = LiveView(chosen, loop(chosen).study, 3)
    live.console.file = io.StringIO()
    first, second = (Trial(i, "running", None, {"x": str(i)}) for i in range(2))
    live.started(first, 0)
    live.started(second, 1)
    first.reports[4] = 0.75
    assert "0.7500" in shown(live)
    live.ended(second, Outcome("failed", "failed", reason="no luck"))
    live.ended(first, Outcome("completed", "completed", 0.8, None, 5, 1.0))
    assert "2 of 3 done" in shown(live)
    assert "best 0.8000 · 1 failed" in shown(live)


def test_the_time_left_follows_from_the_trials_that_have_ended(tmp_path, monkeypatch):
    chosen = replace(plan(tmp_path, swept(x=[1, 2, 3, 4])), max_epochs=10)
    live = LiveView(chosen, loop(chosen).study, 4)
    live.console.file = io.StringIO()
    first, second = (Trial(i, "running", None, {"x": str(i)}) for i in range(2))
    now = live.start_time
    monkeypatch.setattr("quintet.sweep.console_report.time.monotonic", lambda: now)
    live.started(first, 0)
    now += 60
    assert "left" not in shown(live)
    live.ended(first, Outcome("completed", "completed", 0.8, None, 10, 60.0))
    assert "1 of 4 done · 60.0 s · about 3.0 min left" in shown(live)
    live.started(second, 0)
    second.reports[5] = 0.7
    now += 30
    assert "about 2.5 min left" in shown(live)
    assert re.search(r"0\s+1\s+5/10", shown(live))


def test_a_member_of_a_population_that_waits_has_not_ended(tmp_path, monkeypatch):
    chosen = plan(tmp_path, swept(x=[1, 2]), scheduler=PopulationBased(2))
    live = LiveView(replace(chosen, max_epochs=10), loop(chosen).study, 2)
    live.console.file = io.StringIO()
    members = [Trial(i, "running", None, {"x": str(i)}) for i in range(2)]
    now = live.start_time
    monkeypatch.setattr("quintet.sweep.console_report.time.monotonic", lambda: now)
    for member in members:
        live.started(member, 0)
        now += 30
        live.ended(member, Outcome("pruned", "pruned", 0.5, None, 2, 30.0))
    said = live.console.file.getvalue()
    assert "[0/2] trial 1" in said
    assert "after 2 epochs" in said
    assert "0 of 2 done · 60.0 s · about 4.0 min left" in shown(live)


def test_a_long_epoch_moves(tmp_path):
    chosen = replace(plan(tmp_path, swept(x=[1, 2])), max_epochs=10)
    live = LiveView(chosen, loop(chosen).study, 2)
    live.console.file = io.StringIO()
    trial = Trial(0, "running", None, {"x": "1"})
    live.started(trial, 0)
    live.progressed(trial, 0.4)
    assert re.search(r"0\s+0\s+0\.4/10", shown(live))
    trial.reports[1] = 0.5
    assert re.search(r"0\s+0\s+1/10", shown(live))
    live.progressed(trial, 1.25)
    assert re.search(r"0\s+0\s+1\.2/10", shown(live))


def test_the_trials_of_a_stack_share_a_line(tmp_path):
    chosen = replace(plan(tmp_path, swept(x=[1, 2, 3])), max_epochs=10)
    live = LiveView(chosen, loop(chosen).study, 3)
    live.console.file = io.StringIO()
    first, second = (Trial(i, "running", None, {"x": str(i)}, {4: 0.5 + i / 10}) for i in range(2))
    live.started(first, 0)
    live.started(second, 0)
    assert re.search(r"0 +0–1 +4/10 .* 0\.6000 .* 2 trials as one model", shown(live))
    live.rerun(first, "dropout")
    assert re.search(r"0 +1 +4/10 .* x=1", shown(live))


def test_a_slot_shows_how_many_trials_failed_in_it(tmp_path):
    chosen = plan(tmp_path, swept(x=[1, 2, 3]))
    live = LiveView(chosen, loop(chosen).study, 3)
    live.console.file = io.StringIO()
    first, second = (Trial(i, "running", None, {"x": str(i)}) for i in range(2))
    live.started(first, 1)
    live.ended(first, Outcome("failed", "failed", reason="no luck"))
    live.started(second, 1)
    assert re.search(r"\n +1 +1 .* 1 +x=1", shown(live))


def test_plain_lines_where_there_is_no_terminal(tmp_path):
    chosen = plan(tmp_path, swept(x=[1]))
    assert type(view(chosen, loop(chosen).study, 1)) is PlainView


BY_FOLDER = {"logs/houses/trials/0007": {"x": "2"}}
"""As studies of earlier versions have kept it."""


@pytest.mark.parametrize(
    "kept", [[{"study": "houses", "trial": 7, "point": {"x": "2"}}], BY_FOLDER], ids=["now", "once"]
)
def test_what_a_warm_start_takes_over_is_said(tmp_path, capsys, kept):
    warm = replace(plan(tmp_path / "now", swept(x=[1, 2])), warm_start=({"x": "2"},))
    study = loop(warm).study
    study.optuna.set_user_attr("warm_start", kept)
    announce(warm, study, 2, 1)
    assert "the best trials of houses (trial 7)" in capsys.readouterr().out


def test_a_winner_that_was_stopped_as_all_were_is_reported(tmp_path, capsys):
    short = plan(tmp_path, swept(x=[1]))
    short.settings.timeout = 15
    study = loop(short).study
    study.create({"x": "1"}, short.space, {})
    study.note(0, value=0.5, epochs=1)
    study.tell(0, "pruned", 0.5)
    summarise(short, study, study.trials()[0], None)
    out = " ".join(capsys.readouterr().out.split())
    assert "no trial was trained to its end, trial 0 for 1 epoch: sweeper.timeout=15" in out
