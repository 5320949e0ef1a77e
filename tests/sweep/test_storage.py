"""The journal survives its writers."""

import subprocess
import sys

import pytest
from parent import loop, plan, swept

from quintet.errors import UserError
from quintet.sweep.storage import mend, storage
from quintet.sweep.study import Study


def test_a_torn_last_line_costs_nothing_but_itself(tmp_path):
    chosen = plan(tmp_path, swept(x=range(3)))
    loop(chosen, limit=2).run()
    with (tmp_path / "journal.log").open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","stu')
    assert loop(chosen).run()
    assert [t.value for t in Study.read(tmp_path).trials()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("before", "after"), [(b"a\nb", b"a\n"), (b"a\n", b"a\n"), (b"ab", b""), (b"", b"")]
)
def test_only_what_follows_the_last_line_end_is_cut_off(tmp_path, before, after):
    path = tmp_path / "journal"
    path.write_bytes(before)
    assert mend(path) == len(before) - len(after)
    assert path.read_bytes() == after


def test_a_killed_holder_of_the_lock_holds_up_nobody(tmp_path):
    code = (
        "import os, signal; from pathlib import Path; from quintet.sweep.storage import Flock;"
        f"Flock(Path({str(tmp_path / 'journal.log')!r})).acquire();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code])
    code = (
        "from pathlib import Path; from quintet.sweep.study import Study;"
        f"Study(Path({str(tmp_path)!r}), 'max')"
    )
    # Optuna's own lock waits 30 s for a dead holder.
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 0


def test_a_database_is_a_storage_too(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    chosen = plan(tmp_path / "sweep", swept(x=[1, 2]))
    chosen.folder.mkdir()
    loop(chosen, study=Study(chosen.folder, "max", url)).run()
    assert [t.value for t in Study.read(chosen.folder, url).trials()] == [1, 2]


def test_an_unknown_storage_is_refused(tmp_path):
    with pytest.raises(UserError, match="postgresql"):
        storage(tmp_path, "redis://x")
