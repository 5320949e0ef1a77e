"""What a person sees while a sweep runs."""

import io

from parent import loop, plan, swept
from rich.console import Console

from quintet.sweep.live import Live, view
from quintet.sweep.outcome import Outcome
from quintet.sweep.report import Lines
from quintet.sweep.study import Trial


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


def test_plain_lines_where_there_is_no_terminal(tmp_path):
    chosen = plan(tmp_path, swept(x=[1]))
    assert type(view(chosen, loop(chosen).study, 1)) is Lines
