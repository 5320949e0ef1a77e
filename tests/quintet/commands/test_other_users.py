"""Runs of and by other users, and a machine that lacks what others have."""

import ctypes
import os
import sys
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from faulty import forked
from quintet.artifacts.record import Record

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="becomes other users, as root on Linux"
)
NOBODY, UNNAMED = 65534, 54321
SMALL = ("trainer=cpu", "data=breast_cancer", "model.width=8", "trainer.max_epochs=1")
SMALL += ("callbacks.progress=null", "baselines=false", "report=false")
KEEP_CAPABILITIES, MAY_READ, VERSION = 8, 1 << 2, 0x20080522
NEW_MOUNTS, READ_ONLY, PRIVATE = 0x20000, 1, (1 << 18) | (1 << 14)


def become(user: int) -> None:
    """Become another user, who may read everything, as Python itself may be in root's home."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(KEEP_CAPABILITIES, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    wanted = (ctypes.c_uint32 * 6)(MAY_READ, MAY_READ, 0, 0, 0, 0)
    assert libc.capset((ctypes.c_uint32 * 2)(VERSION, 0), wanted) == 0
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        os.environ.pop(name, None)
    os.environ["HOME"] = "/nonexistent"


def without_shared_memory() -> None:
    """Mount an empty /dev/shm without space, for this process only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS) or libc.mount(b"none", b"/", None, PRIVATE, None):
        os._exit(77)
    assert libc.mount(b"none", b"/dev/shm", b"tmpfs", READ_ONLY, None) == 0
    assert not os.access("/dev/shm", os.W_OK)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A world-writable folder."""
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.mark.parametrize("user", [NOBODY, UNNAMED])
def test_a_user_without_a_home_or_a_name_trains(own: Path, user: int) -> None:
    words = [*SMALL, f"hydra.run.dir={own}/run"]
    ended = forked(own / "log", words, first=partial(become, user))
    assert ended.code == 0, ended.said
    assert (own / "run").stat().st_uid == user
    assert Record.read(own / "run").status == "completed"


def test_another_users_run_is_evaluated_and_predicts(own: Path, digits_run: Path) -> None:
    log, first = own / "log", partial(become, NOBODY)
    Image.new("L", (8, 8)).save(own / "new.png")
    ended = forked(log, [f"run={digits_run}"], script="evaluate", first=first)
    assert ended.code == 0, ended.said
    words = [f"run={digits_run}", f"input={own}/new.png", f"output={own}/p.csv"]
    ended = forked(log, words, script="predict", first=first)
    assert ended.code == 0, ended.said
    assert (own / "p.csv").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("script", "word"), [("train", "resume"), ("report", "run"), ("export", "run")]
)
def test_what_writes_to_another_users_run_says_so_in_one_sentence(
    own: Path, digits_run: Path, script: str, word: str
) -> None:
    words = [f"{word}={digits_run}"]
    ended = forked(own / "log", words, script=script, first=partial(become, NOBODY))
    assert ended.code == 1
    assert ended.said.count("Error: ") == 1
    assert f"Error: {digits_run}" in ended.said
    assert "Permission denied" in ended.said
    assert "copy" in ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_needs_no_shared_memory(own: Path, workers: int) -> None:
    words = [*SMALL, f"hydra.run.dir={own}/run"]
    if workers:
        for number in range(40):
            path = own / f"images/{'ab'[number % 2]}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number).save(path)
        words += ["data=images", f"data.path={own}/images", "data.lazy=true", "data.workers=2"]
    ended = forked(own / "log", words, first=without_shared_memory)
    if ended.code == 77:
        pytest.skip("may not have mounts of its own")
    assert ended.code == 0, ended.said
    assert ended.said.count("needs shared memory") == (workers > 0), ended.said
    assert Record.read(own / "run").status == "completed"
