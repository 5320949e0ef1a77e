"""A study survives its writers, on any storage."""

import errno
import os
import subprocess
import sys
import time

import pytest
from parent import HERE, loop, plan, swept
from postgres import free_port, programs, server, until_it_listens

from quintet.base import fault_injection
from quintet.base.errors import Code, UserError
from quintet.study import leaderboard
from quintet.study.storage import mend, storage
from quintet.study.study import Study
from quintet.sweep.full_disk import reported
from refusals import Refusal
from usual import every, usual


def test_a_torn_last_line_costs_nothing_but_itself(tmp_path):
    chosen = plan(tmp_path, swept(x=range(3)))
    loop(chosen, limit=2).run()
    with (tmp_path / "journal.log").open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","stu')
    assert loop(chosen).run()
    assert [t.value for t in Study.read(tmp_path).trials()] == [0, 1, 2]


@pytest.mark.parametrize("number", [4, -1])
@pytest.mark.parametrize("rubbish", [b"rubbish {", b"\xff\xfe"])
def test_a_line_that_cannot_be_read_is_named_and_the_journal_left_alone(tmp_path, rubbish, number):
    loop(plan(tmp_path, swept(x=range(2)))).run()
    path = tmp_path / "journal.log"
    lines = path.read_bytes().splitlines()
    number %= len(lines) + 1
    lines[number - 1] = rubbish
    path.write_bytes(spoilt := b"\n".join(lines) + b"\n")
    with Refusal(Code.DAMAGED, match=f"journal.log: line {number} cannot be read"):
        Study.read(tmp_path)
    assert path.read_bytes() == spoilt


@pytest.mark.parametrize("text", [b"my diary", b"my diary\nand more"])
def test_a_file_of_another_program_is_not_a_journal(tmp_path, text):
    (tmp_path / "journal.log").write_bytes(text)
    for direction in ("max", None):
        with Refusal(Code.DAMAGED, match=r"journal.log is not the journal of a study"):
            Study(tmp_path, direction)
    assert (tmp_path / "journal.log").read_bytes() == text


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
        "import os, signal; from pathlib import Path; from quintet.study.storage import Flock;"
        f"Flock(Path({str(tmp_path / 'journal.log')!r})).acquire();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code])
    code = (
        "from pathlib import Path; from quintet.study.study import Study;"
        f"Study(Path({str(tmp_path)!r}), 'max')"
    )
    # Optuna's own lock waits 30 s for a dead holder.
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 0


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def postgres():
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with server() as url:
        yield url


@pytest.fixture
def grpc(tmp_path):
    """Optuna's proxy, over a journal of its own."""
    pytest.importorskip("grpc")
    port = free_port()
    code = (
        "from pathlib import Path; from optuna.storages import run_grpc_proxy_server;"
        "from quintet.study.storage import journal;"
        f"run_grpc_proxy_server(journal(Path({str(tmp_path / 'proxied.log')!r})),"
        f"host='127.0.0.1', port={port})"
    )
    proxy = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stderr=-3)
    until_it_listens(port)
    yield f"grpc://127.0.0.1:{port}"
    proxy.kill()
    proxy.wait()


@pytest.mark.parametrize("kind", usual(["sqlite", "postgres", "grpc"], "postgres"))
def test_two_workers_share_a_database_and_continue_after_kill_9(tmp_path, kind, request):
    url = request.getfixturevalue(kind)
    folder = tmp_path / "sweep"
    folder.mkdir()
    Study(folder, "max", url)  # as the sweep does before its workers
    command = [sys.executable, str(HERE / "parent.py"), str(folder), "8", "2", "0.2", url]
    ran = folder / "trials/ran"
    two = [subprocess.Popen(command) for _ in range(2)]
    until = time.monotonic() + 60
    while (not ran.exists() or ran.read_text().count("\n") < 5) and time.monotonic() < until:
        time.sleep(0.02)
    for worker in two:
        worker.kill()
        worker.wait()
    two = [subprocess.Popen(command) for _ in range(2)]
    assert [worker.wait(timeout=120) for worker in two] == [0, 0]
    trials = Study.read(folder, url).trials()
    assert [(t.state, t.value) for t in trials] == [("completed", x) for x in range(8)]
    assert 8 <= ran.read_text().count("\n") <= 8 + 4  # those that were running began again


@pytest.mark.parametrize("url", ["grpc://127.0.0.1:9", "postgresql+psycopg://x@127.0.0.1:9/x"])
def test_a_storage_that_does_not_answer_is_named(tmp_path, url, monkeypatch):
    monkeypatch.setattr("quintet.study.storage.PATIENCE", 0.5)
    with pytest.raises(UserError) as caught:
        storage(tmp_path, url)
    assert (caught.value.code, caught.value.key) == (Code.UNAVAILABLE, "sweeper.storage")


def test_a_full_disk_ends_the_sweep_and_no_trial(tmp_path):
    """The limit on file size simulates a full disk: the journal cannot grow beyond it."""
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "cannot be written to" in out.stderr
    assert f"study={tmp_path.name}" in out.stderr
    before = [t.state for t in Study.read(tmp_path).trials()]
    assert 0 < before.count("completed") < 8
    assert "failed" not in before
    assert loop(plan(tmp_path, swept(x=range(8)))).run()
    assert [t.value for t in Study.read(tmp_path).trials()] == list(range(8))
    done = f"{before.count('completed')}"
    starts = (tmp_path / "trials/ran").read_text().splitlines()
    assert len(starts) <= 8 + 1, f"more than the one that was running began again ({done} done)"


FULL = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
from parent import loop, plan, swept
from quintet.sweep.full_disk import reported

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
its = loop(plan(folder, swept(x=range(8))))
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
with reported(folder):
    its.run()
"""


def test_a_trial_that_found_the_disk_full_is_not_lost(tmp_path):
    chosen = plan(tmp_path, swept(x=[1], do=["full"]))
    with pytest.raises(UserError) as caught:
        loop(chosen).run()
    assert caught.value.code == Code.DISK
    assert [t.state for t in Study.read(tmp_path).trials()] == ["running"]
    (tmp_path / "trials/room").touch()
    assert loop(chosen).run()
    assert [t.state for t in Study.read(tmp_path).trials()] == ["completed"]


def test_an_unknown_storage_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        storage(tmp_path, "redis://x")
    assert (caught.value.code, caught.value.key) == (Code.UNKNOWN_NAME, "sweeper.storage")


WRITTEN = ["journal.log", ".claim.lock", "0001/.lock", "0001/output.log"]


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EROFS"])
@pytest.mark.parametrize("where", every(4, WRITTEN))
def test_a_write_that_fails_is_one_message_and_the_sweep_continues(
    tmp_path, monkeypatch, where, fault
):
    at = {"journal.log": 20, ".claim.lock": 2}.get(where, 1)
    chosen = plan(tmp_path, swept(x=range(3)))
    its = loop(chosen)
    monkeypatch.setenv(fault_injection.VARIABLE, f"{fault}:{at}:{where}")
    with pytest.raises(UserError) as failed, reported(tmp_path):
        its.run()
    monkeypatch.delenv(fault_injection.VARIABLE)
    assert failed.value.code == Code.DISK
    assert os.strerror(getattr(errno, fault)) in failed.value.problem
    assert f"study={tmp_path.name}" in str(failed.value)
    assert "failed" not in [t.state for t in Study.read(tmp_path).trials()]
    assert loop(chosen).run()
    assert [(t.state, t.value) for t in Study.read(tmp_path).trials()] == [
        ("completed", x) for x in range(3)
    ]


def test_a_leaderboard_that_cannot_be_written_is_written_by_the_same_command(tmp_path, monkeypatch):
    its = loop(plan(tmp_path, swept(x=range(2))))
    its.run()
    for boundary in ("1", "2"):
        monkeypatch.setenv(fault_injection.VARIABLE, f"EIO:{boundary}:leaderboard.csv")
        with Refusal(Code.DISK, match="No trial is lost"), reported(tmp_path):
            leaderboard.save(its.study)
        assert not list(tmp_path.glob("*leaderboard*"))
    monkeypatch.delenv(fault_injection.VARIABLE)
    leaderboard.save(its.study)
    assert (tmp_path / "leaderboard.csv").read_text().count("completed") == 2
