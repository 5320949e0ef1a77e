"""Whole commands that get secrets: nothing they write or print contains one."""

import os
import re
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

import canaries
import outside
import runs
from runs import RunTrain, Start

TRACKERS = ",".join(["csv", *(t for t in ("tensorboard", "wandb", "mlflow") if find_spec(t))])
TOLD = (
    "hydra.run.dir={out}/run",
    "paths.logs={out}/logs",
    f"logger=[{TRACKERS}]",
    "data.path='{data}/${{oc.env:SOME_TOKEN}}/t.csv'",
)
WANDB = (
    "logger.wandb.notes='see ${oc.env:SSH_KEY} and ${oc.env:STORE_PASSWORD}'",
    "logger.wandb.tags=['${oc.env:SOME_TOKEN}','${oc.env:SHORT_PASSWORD}']",
    "logger.wandb.mode=offline",
)
STORE = "logger.mlflow.tracking_uri='http://me:${oc.env:STORE_PASSWORD}@127.0.0.1:9'"


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in runs.environment().items() if not k.startswith(("WANDB", "MLFLOW"))}
    return {**clean, **canaries.ENVIRONMENT, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", **more}


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The words of a run that is given secrets in every way, by reference."""
    folder = tmp_path / "data" / canaries.TOKEN
    folder.mkdir(parents=True)
    rows = "\n".join(f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(200))
    (folder / "t.csv").write_text(f"x,y,kind\n{rows}\n")
    places = {"out": tmp_path / "out", "data": tmp_path / "data"}
    own = [word.format(**places) for word in TOLD]
    trackers = [*(WANDB if "wandb" in TRACKERS else ()), *([STORE] if "mlflow" in TRACKERS else ())]
    return ["data=csv", "data.target=kind", *own, *trackers]


def ended(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=120)
    return out + err


@pytest.mark.slow
def test_a_run_its_interruption_and_its_continuation(
    words: list[str], tmp_path: Path, start_train: Start, run_train: RunTrain
) -> None:
    out = tmp_path / "out"
    process = start_train(
        None, "trainer=cpu", *words, "trainer.max_epochs=1000", "baselines=false", env=environment()
    )
    runs.wait_until(lambda: runs.epochs(out / "run") > 1, process)
    process.send_signal(signal.SIGINT)
    told = ended(process)
    assert canaries.leaked(told) == []
    assert re.search(
        r"trust=\[[^]]*\blogger\]", told
    )  # which of a run with trackers of its own is needed
    assert runs.record(out / "run")["status"] == "interrupted"
    assert canaries.leaks(out) == []
    done = runs.record(out / "run")["epochs"]
    longer = f"trainer.max_epochs={done + 1}"
    typed_again = [word for word in words if word.startswith("logger")]
    resume = (f"resume={out}/run", longer, "trust=env:SOME_TOKEN", *typed_again)
    again = run_train(None, *resume, env=environment())
    assert runs.record(out / "run")["status"] == "completed"
    assert canaries.leaked(again.stdout + again.stderr) == []
    assert canaries.leaks(out) == []
    kept = (out / "run" / "config.yaml").read_text()
    assert "${oc.env:SSH_KEY}" in kept
    assert "${oc.env:STORE_PASSWORD}" in kept


def test_a_run_that_fails_with_a_secret_in_its_error(
    words: list[str], tmp_path: Path, run_train: RunTrain
) -> None:
    lost = [word.replace("/t.csv", "/lost.csv") for word in words]
    done = run_train(None, "trainer=cpu", *lost, "debug=true", env=environment(), check=False)
    assert done.returncode == 1
    assert "lost.csv" in done.stderr
    assert canaries.leaked(done.stdout + done.stderr) == []
    assert canaries.leaks(tmp_path / "out") == []


@pytest.mark.slow
def test_data_of_a_team_that_notes_its_token(tmp_path: Path, run_train: RunTrain) -> None:
    """Lightning hands what `save_hyperparameters` noted to checkpoints and to every tracker."""
    out = tmp_path / "out"
    logs = [f"logger=[{TRACKERS}]", *(WANDB if "wandb" in TRACKERS else ()), f"paths.logs={out}"]
    data = ["data=lit", "data._target_=outside.behind_tokens.Hub", "trust=outside"]
    data += ["+data.hf_token='${oc.env:SOME_TOKEN}'"]
    data += ["+data.url='https://me:${oc.env:STORE_PASSWORD}@host/x?token=${oc.env:SOME_TOKEN}'"]
    module = ["module=lit", "metric=logged", "metric.name=acc", "metric.mode=max"]
    words = [*outside.WORDS, *module, *data, *logs, "trainer=cpu", "trainer.max_epochs=1"]
    known = environment(PYTHONPATH=str(runs.ROOT / "tests"))
    done = run_train(None, *words, f"hydra.run.dir={out}/run", env=known)
    assert (out / "run" / "checkpoints" / "last.ckpt").is_file()
    trusted = "trust=[outside,env:SOME_TOKEN,env:STORE_PASSWORD]"
    again = (f"resume={out}/run", "trainer.max_epochs=2", trusted, *logs)
    more = run_train(None, *again, env=known)
    assert canaries.leaked(done.stdout + done.stderr + more.stdout + more.stderr) == []
    assert canaries.leaks(out) == []


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_and_killed(
    words: list[str], tmp_path: Path, start_train: Start, run_train: RunTrain
) -> None:
    out = tmp_path / "out"
    varied = ["-m", "study=s", "optimizer.lr=0.1,0.01,0.001", "sweeper.slots=1"]
    some = [word for word in words if not word.startswith(("logger=", "logger.mlflow"))]
    told = "logger=[csv,wandb]" if "wandb" in TRACKERS else "logger=csv"
    sweep = [*varied, "trainer=cpu", *some, told, "trainer.max_epochs=2", "baselines=false"]
    trials = out / "logs" / "train" / "sweeps" / "s" / "trials"
    for number, end in enumerate((signal.SIGINT, signal.SIGKILL)):
        process = start_train(None, *sweep, env=environment())
        runs.wait_until((trials / f"000{number}" / "result.json").is_file, process)
        process.send_signal(end)
        assert canaries.leaked(ended(process)) == []
        runs.wait_for_none_alive(process)
        assert canaries.leaks(out) == []
    done = run_train(None, *sweep, env=environment())
    assert canaries.leaked(done.stdout + done.stderr) == []
    assert canaries.leaks(out) == []
    assert (out / "logs" / "train" / "sweeps" / "s" / "report.html").is_file()


@pytest.mark.parametrize("mode", [(), ("-m", "seed=1,2")])
def test_a_secret_in_clear_in_a_yaml_is_refused_before_anything_is_written(
    tmp_path: Path, run_train: RunTrain, mode: tuple[str, ...]
) -> None:
    own = tmp_path / "configs" / "logger" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(
        "mine:\n  _target_: lightning.pytorch.loggers.CSVLogger\n  save_dir: .\n"
        f"  login:\n    - user: me\n      accessToken: {canaries.TOKEN}\n"
    )
    done = run_train(
        None,
        *mode,
        f"hydra.run.dir={tmp_path}/out",
        f"hydra.sweep.dir={tmp_path}/out",
        f"hydra.searchpath=[file://{tmp_path}/configs]",
        "logger=mine",
        check=False,
    )
    assert done.returncode == 1
    assert str(own) in done.stderr
    assert "logger.mine.login.accessToken='${oc.env:" in done.stderr
    assert canaries.leaked(done.stdout + done.stderr) == []
    assert not (tmp_path / "out").exists()


def test_the_canaries_would_be_found(tmp_path: Path) -> None:
    """Each form that is looked for, where it is hardest to see."""
    import base64
    import gzip
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("in", canaries.TOKEN)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" + canaries.SHORT.encode()))
    inner = gzip.compress(os.urandom(300) + canaries.TOKEN.encode())
    (tmp_path / "a.html").write_bytes(b"<script>" + base64.b64encode(inner))
    (tmp_path / "a.txt").write_bytes(base64.b64encode(b"me:" + canaries.TOKEN.encode()))
    assert {line.partition(":")[0] for line in canaries.leaks(tmp_path)} == {
        "a.zip",
        "a.gz",
        "a.html",
        "a.txt",
    }
