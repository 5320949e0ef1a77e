"""A script forked from the warm interpreter behaves as one with an interpreter of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
CODES = {
    "nothing": "pass",
    "code": "import sys; sys.exit(259)",
    "message": "import sys; print('a'); sys.exit('no: ü')",
    "error": "def f():\n    1 / 0\nf()",
    "mistake": "if:",
    "kill": "import os; print('lost'); os.kill(os.getpid(), 9)",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "at exit": "import atexit; atexit.register(print, 'b'); print('a')",
    "thread": "import threading as t, time; t.Thread(target=lambda: print('late')).start()",
    "words": "import sys; print(sys.argv, sys.path[:2], sys.orig_argv[1:2], __name__)",
    "place": "import os; print(os.getcwd(), os.environ['MARK'], os.getpgid(0) == os.getpid())",
    "input": "print(input())",
    "command line": "import os; print(open('/proc/self/cmdline').read().strip(chr(0)))",
    "environment": "print('MARK=here' in open('/proc/self/environ').read())",
    "a script of its own": (
        "import subprocess, sys; own = [sys.executable, '-c', 'import os; print(os.getppid())'];"
        "out = subprocess.run(own, capture_output=True, text=True).stdout;"
        "import os; print(int(out) == os.getpid())"
    ),
}


def ended(code: str, folder: Path) -> tuple[int, str, list[str]]:
    """Return the exit code, the output, and the last line of the error message."""
    command = [sys.executable, "-c", code, "x", "y z"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MARK": "here", "PYTHONPATH": str(folder)},
        input="hello\n",
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert "warm.py" not in done.stderr
    return done.returncode, done.stdout, done.stderr.splitlines()[-1:]


@pytest.mark.parametrize("name", CODES)
def test_it_ends_as_in_an_interpreter_of_its_own(name: str, tmp_path: Path) -> None:
    forked = ended(CODES[name], tmp_path)
    with warm.cold():
        assert forked == ended(CODES[name], tmp_path)


@pytest.mark.parametrize("start", [contextlib.nullcontext, warm.cold])
@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"])
def test_what_is_started_handles_signals_that_a_shell_has_its_jobs_ignore(
    name: str, start: Any
) -> None:
    number = getattr(signal, name)
    assert signal.getsignal(number) is not signal.SIG_IGN, "conftest.py sees to it"
    ending = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})"]
    before = signal.signal(number, signal.SIG_IGN)
    try:
        warm.restore_signals()
        with start():
            assert subprocess.run(ending, stderr=subprocess.DEVNULL).returncode == -number
    finally:
        signal.signal(number, before)


def test_it_is_a_child_whose_libraries_are_loaded() -> None:
    code = "import os, sys; print(os.getppid(), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"{os.getpid()} True\n"


def test_open_files_are_handed_on_by_number() -> None:
    reads, writes = os.pipe()
    code = f"import os; os.write({writes}, b'told')"
    subprocess.run([sys.executable, "-c", code], pass_fds=[writes], check=True)
    os.close(writes)
    assert os.read(reads, 9) == b"told"
    os.close(reads)


def test_it_can_be_signalled_as_soon_as_it_is_started() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM
