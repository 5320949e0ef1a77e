"""Several trackers in one real command: what they write, must not write, and load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CANARY = "tweet-tweet-4711-canary"
TYPED = "typed-in-clear-4711"


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    words = [sys.executable, str(ROOT / "src" / "train.py"), *arguments]
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)


def installed() -> str:
    from importlib.util import find_spec

    return ",".join(p for p in ("tensorboard", "wandb", "mlflow") if find_spec(p))


def holding(folder: Path, text: str) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


@pytest.fixture
def shared(tmp_path):
    """A table in a folder whose name is the secret, as a signed address would hold one."""
    folder = tmp_path / "data" / CANARY
    folder.mkdir(parents=True)
    rows = "\n".join(f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(200))
    (folder / "t.csv").write_text(f"x,y,kind\n{rows}\n")
    return f"data.path='{tmp_path}/data/${{oc.env:CANARY}}/t.csv'"


def words(tmp_path: Path, path: str) -> list[str]:
    own = [f"hydra.run.dir={tmp_path}/out/run", f"paths.logs={tmp_path}/out/logs"]
    data = ["data=csv", path, "data.target=kind", "trainer.max_epochs=2"]
    return [*own, *data, f"logger=[{installed()}]"]


@pytest.mark.slow
def test_a_secret_of_the_environment_is_written_nowhere(tmp_path, shared):
    done = command(*words(tmp_path, shared), CANARY=CANARY)
    assert done.returncode == 0, done.stderr
    assert holding(tmp_path / "out", "${oc.env:CANARY}"), "the reference is what is kept"
    assert not holding(tmp_path / "out", CANARY)
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("debug", ["true", "false"])
def test_nor_by_an_error(tmp_path, shared, debug):
    broken = shared.replace("t.csv", "missing.csv")
    done = command(*words(tmp_path, broken), f"debug={debug}", CANARY=CANARY)
    assert done.returncode == 1
    assert "missing.csv" in done.stderr
    assert not holding(tmp_path / "out", CANARY)
    assert CANARY not in done.stdout + done.stderr


def test_a_secret_typed_in_clear_is_refused_before_anything_is_written(tmp_path):
    done = command(f"hydra.run.dir={tmp_path}/run", f"+logger.comet.api_key={TYPED}")
    assert done.returncode == 1
    assert "${oc.env:" in done.stderr
    assert TYPED not in done.stdout + done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.cold
def test_trackers_that_nobody_chose_are_not_loaded(tmp_path):
    script = (
        "import sys, runpy; sys.argv[1:] = sys.argv[2:]\n"
        f"runpy.run_path({str(ROOT / 'src' / 'train.py')!r}, run_name='__main__')\n"
        "loaded = {'wandb', 'mlflow', 'tensorboard'} & set(sys.modules)\n"
        "print('loaded:', sorted(loaded))"
    )
    arguments = ["x", f"hydra.run.dir={tmp_path}/run", "trainer.max_epochs=1"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)
    assert "loaded: []" in done.stdout, done.stdout + done.stderr
