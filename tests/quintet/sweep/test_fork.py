"""Trials forked from a server behave as trials that are processes of their own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from parent import HERE, loop, plan, swept

from quintet.study.study import Study
from quintet.sweep.fork import Server, starter
from quintet.sweep.trial_process import start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


@pytest.fixture
def server():
    server = Server(["json"])
    yield server
    server.close()


def test_every_outcome_is_reported_as_from_a_process(tmp_path, server):
    kinds = ["ok", "raise", "diverge", "kill", "silent", "nan"]
    told = {}
    for name, how in (("forked", server.start), ("process", start)):
        its = loop(plan(tmp_path / name, swept(do=kinds, x=[4])), start=how)
        assert its.run()
        trials = Study.read(tmp_path / name).trials()
        told[name] = [(t.state, t.value, t.notes.get("status")) for t in trials]
    assert told["forked"] == told["process"]
    reason = Study.read(tmp_path / "forked").trials()[3].notes["reason"]
    assert "SIGKILL" in reason


def test_a_forked_trial_leaves_its_output_in_its_folder(tmp_path, server):
    loop(plan(tmp_path, swept(do=["raise"])), start=server.start).run()
    assert "a log line" in (tmp_path / "trials/0000/output.log").read_text()


def test_nothing_leaks_from_trial_to_trial(tmp_path, server, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    loop(plan(tmp_path, swept(x=range(4)), fixed=("sleep=0.2",)), slots=2, start=server.start).run()
    seen = [line.split()[2] for line in (tmp_path / "trials/ran").read_text().splitlines()]
    assert Counter(seen) == {"3": 2, "5": 2}


def test_a_killed_server_fails_its_trials_and_is_restarted(tmp_path, server):
    chosen = plan(tmp_path, swept(x=range(3)), fixed=("epochs=9", "sleep=0.1"))
    its = loop(chosen, start=server.start)

    def kill_once():
        if len(its.view.events) == 3:
            its.view.events.append(("killed", 0))
            server._process.kill()
        return False

    its.stopping = kill_once
    assert its.run()
    states = [t.state for t in Study.read(tmp_path).trials()]
    assert states == ["failed", "completed", "completed"]


def test_a_server_that_dies_with_a_request_unread_fails_that_trial_only(tmp_path, server):
    its = loop(plan(tmp_path, swept(x=range(2))), start=server.start)
    assert server.forks()
    server._process.send_signal(signal.SIGSTOP)
    threading.Timer(0.5, server._process.kill).start()
    assert its.run()
    assert [t.state for t in Study.read(tmp_path).trials()] == ["failed", "completed"]


def test_trials_start_together_before_any_has_started_alone(tmp_path, server):
    folder, lock = tmp_path, os.open(tmp_path, os.O_RDONLY)
    assert server.forks()
    pair = [(folder, 0, lock), (folder, 1, os.dup(lock))]
    for process in server.start_together(["python", "-m", "this"], pair, {}):
        process.end(patience=60)
        assert process.exit_code() == 0
        process.release_lock()


def test_the_end_of_the_sweep_is_the_end_of_the_server_and_its_trials(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); from pathlib import Path;"
        "from parent import *; from quintet.sweep.fork import Server;"
        f"its = plan(Path({str(tmp_path)!r}), swept(x=[1]), fixed=('epochs=900', 'sleep=0.1'));"
        "loop(its, start=Server(['json']).start).run()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not (tmp_path / "trials/ran").exists() and time.monotonic() < until:
        time.sleep(0.05)
    children = [int(c) for c in _children(parent.pid)]
    trials = [int(c) for child in children for c in _children(child)]
    assert trials
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    while any(_alive(pid) for pid in (*children, *trials)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not [pid for pid in (*children, *trials) if _alive(pid)]


def test_a_signal_while_the_server_starts_leaves_no_server(tmp_path):
    code = """
import os, signal, subprocess
from quintet.base.signals import listen
from quintet.sweep import fork

class Interrupted(subprocess.Popen):
    def __init__(self, command, **options):  # a server that is far from asking who its parent is
        quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
        super().__init__(["sleep", "100"], **quiet, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGINT)

listen()
subprocess.Popen = Interrupted
with fork.starter("fork", ["json"]):
    print("entered")
"""
    env = {**os.environ, "PYTHONPATH": f"{HERE}:{os.environ['PYTHONPATH']}"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert "StoppedError" in ended.stderr
    (pid,) = ended.stdout.split()
    assert not _alive(int(pid))


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_with_threads_is_not_forked_from(tmp_path, monkeypatch):
    (tmp_path / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ['PYTHONPATH']}")
    with starter("fork", ["threaded"]) as begin:
        its = loop(plan(tmp_path / "sweep", swept(x=[1])), start=begin)
        assert its.run()
        assert not begin.__self__.trials
        assert not begin.__self__.safe
