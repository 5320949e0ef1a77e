"""What a person sees while a sweep runs."""

import io
from dataclasses import replace

import pytest
from parent import loop, plan, swept
from rich.console import Console

from quintet.study.trial import Trial
from quintet.sweep.console_report import Lines, announce, summarise
from quintet.sweep.live_view import Live, view
from quintet.sweep.trial_outcome import Outcome


def shown(live):
    console = Console(file=io.StringIO(), width=120)
    console.print(live.table())
    return console.file.getvalue()


def test_the_live_view_shows_slots_last_values_and_failures(tmp_path):
    chosen = plan(tmp_path, swept(x=[1, 2, 3]))
    live = Live(chosen, loop(chosen).study, 3)
    live.console.file = io.StringIO()
    first, second = (Trial(i, "running", None, {"x": str(i)}) for i in range(2))
    live.began(first, 0)
    live.began(second, 1)
    first.reports[4] = 0.75
    assert "0.7500" in shown(live)
    live.ended(second, Outcome("failed", "failed", reason="no luck"))
    live.ended(first, Outcome("completed", "completed", 0.8, None, 5, 1.0))
    assert "2 of 3 done" in shown(live)
    assert "best 0.8000 · 1 failed" in shown(live)


def test_the_live_view_shows_how_many_trials_share_a_slot(tmp_path):
    chosen = plan(tmp_path, swept(x=[1, 2, 3]))
    live = Live(chosen, loop(chosen).study, 3)
    live.console.file = io.StringIO()
    stacked = [Trial(i, "running", None, {"x": str(i)}) for i in range(3)]
    for trial in stacked:
        live.began(trial, 0)
    assert "0 +2" in shown(live)
    live.ended(stacked[0], Outcome("completed", "completed", 0.8, None, 5, 1.0))
    assert "1 +1" in shown(live)


def test_plain_lines_where_there_is_no_terminal(tmp_path):
    chosen = plan(tmp_path, swept(x=[1]))
    assert type(view(chosen, loop(chosen).study, 1)) is Lines


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


def test_a_winner_that_was_stopped_as_all_were_is_told(tmp_path, capsys):
    short = plan(tmp_path, swept(x=[1]))
    short.settings.timeout = 15
    study = loop(short).study
    study.create({"x": "1"}, short.space, {})
    study.note(0, value=0.5, epochs=1)
    study.tell(0, "pruned", 0.5)
    summarise(short, study, study.trials()[0], None)
    out = " ".join(capsys.readouterr().out.split())
    assert "no trial was trained to its end, trial 0 for 1 epoch: sweeper.timeout=15" in out
