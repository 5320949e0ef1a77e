"""Modules as teams write them: trained, resumed, evaluated and used unchanged."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

import outside
import runs
from quintet.artifacts import samples_file
from quintet.base.errors import Code, UserError
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.diagnostics.training_curves import read as read_rows
from quintet.report.run import run_page as report
from refusals import Refusal
from runs import Once, TrainHere
from usual import usual

QUIET = ("callbacks.progress=null", "report=false", "trust=outside", "trainer=cpu")
CONSTANT = "scheduler=constant"  # which does not depend on the length of the run
PREDICTED = {"adversarial": "prediction_0", "late_layers": "prediction"}
LOGGED = ("metric=logged", "metric.mode=max")
CASES = {
    "detection": ("data=detection", CONSTANT, *LOGGED, "metric.name=recall"),
    "distillation": ("data=digits", CONSTANT, "model.width=16"),
    "adversarial": ("data=digits", "metric=logged", "metric.name=rec", "metric.mode=min"),
    "several_loaders": (
        "data=several_loaders",
        CONSTANT,
        "model=flat",
        *LOGGED,
        "metric.name=clean_acc",
    ),
    "late_layers": ("data=digits", *LOGGED, "metric.name=seg/acc"),
    "replay": ("data=replay", *LOGGED, "metric.name=reward", "trainer.limit_train_batches=20"),
    "diffusion": ("data=digits", "metric=logged", "metric.mode=min", "metric.name=gap"),
    "masked": ("data=masked", CONSTANT, "metric=logged", "metric.mode=min", "metric.name=error"),
    "towers": ("data=towers", *LOGGED, "metric.name=recall@3"),
    "tagging": ("data=tagging", *LOGGED, "metric.name=f1"),
    "molecules": ("data=molecules", CONSTANT),
    "quantized": ("data=digits", "metric=logged", "metric.mode=min", "metric.name=error"),
    "physics": ("data=physics", "metric=logged", "metric.mode=min", "metric.name=residual"),
    "sparse": ("data=sparse", *LOGGED, "metric.name=hits"),
}
PLANNED = ("diffusion", "tagging")
"""Modules whose own schedule depends on the length of the run."""
USUAL = ("detection", "adversarial", "several_loaders", "late_layers", "masked")
"""Modules that are trained each time; the others are slow tests."""
NEEDS = {"tagging": "transformers", "molecules": "torch_geometric"}


def trained(folder: Path, case: str, epochs: int, *more: str) -> None:
    place = (f"hydra.run.dir={folder}", f"paths.logs={folder.parent}")
    words = (f"module={case}", *CASES[case], *QUIET, f"trainer.max_epochs={epochs}", *more)
    runs.train(None, *outside.WORDS, *place, *words)


@pytest.fixture(params=usual([*CASES], *USUAL))
def case(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(NEEDS.get(request.param, "torch"))
    return str(request.param)


@pytest.fixture
def run(case: str, once: Once) -> Path:
    return once(f"outside_{case}", lambda folder: trained(folder / "run", case, 2)) / "run"


def command(name: str, run: Path, **settings: object):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(name, [f"paths.run={run}", "trainer=cpu"] * (name == "evaluate"))
    cfg.run, cfg.trust = str(run), ["outside"]
    for key, value in settings.items():
        cfg[key] = value
    return cfg


def test_what_is_recorded_is_evaluated_to_the_last_digit(run: Path, tmp_path: Path) -> None:
    record = runs.record(run)
    assert "could not be written" not in str(record["anomalies"])
    scores = evaluate(command("evaluate", shutil.copytree(run, tmp_path / "run")))
    assert scores == {"val": record["validation"], "test": record["test"]}
    assert record["parameters"] > 0


def test_a_resumed_run_is_the_whole_one(
    case: str, run: Path, tmp_path: Path, train_here: TrainHere
) -> None:
    if case in PLANNED:
        pytest.skip("its schedule depends on the length of the run; see the killed one")
    trained(tmp_path / "whole", case, 3)
    parts = shutil.copytree(run, tmp_path / "parts")
    train_here(None, f"resume={parts}", "trainer.max_epochs=3", "trust=outside")
    assert read_rows(parts / "metrics.csv") == read_rows(tmp_path / "whole" / "metrics.csv")
    assert runs.record(parts)["test"] == runs.record(tmp_path / "whole")["test"]


@pytest.mark.slow
@pytest.mark.parametrize("case", PLANNED, indirect=True)
def test_a_killed_run_is_the_whole_one(case: str, tmp_path: Path, train_here: TrainHere) -> None:
    parts = tmp_path / "parts"
    place = (f"hydra.run.dir={parts}", f"paths.logs={tmp_path}")
    words = (f"module={case}", *CASES[case], *QUIET, "trainer.max_epochs=8")
    path = {"PYTHONPATH": str(runs.ROOT / "tests")}
    started = runs.command(None, *outside.WORDS, *place, *words)
    process = runs.start(started, env=runs.environment() | path)
    try:
        runs.wait_until(lambda: runs.epochs(parts) >= 2, process)
    finally:
        runs.stop(process)
    train_here(None, f"resume={parts}", "trust=outside")
    trained(tmp_path / "whole", case, 8)
    assert read_rows(parts / "metrics.csv") == read_rows(tmp_path / "whole" / "metrics.csv")
    assert runs.record(parts)["test"] == runs.record(tmp_path / "whole")["test"]


@pytest.mark.parametrize("case", ["adversarial", "late_layers"], indirect=True)
def test_its_page_shows_what_it_predicts(case: str, run: Path, tmp_path: Path) -> None:
    assert list(samples_file.read(run)) == [PREDICTED[case]]
    text = report.write(run, tmp_path / "report.html").read_text()
    assert "predict_step returns" in text
    assert ("digit " in text) == (case == "late_layers")


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_it_predicts(case: str, run: Path, tmp_path: Path, suffix: str) -> None:
    output, given = tmp_path / f"out.{suffix}", {}
    if "data=digits" in CASES[case]:
        np.savez(tmp_path / "new.npz", x=np.zeros((3, 1, 8, 8), "float32"))
        given = {"input": str(tmp_path / "new.npz")}
    if case == "diffusion" and suffix == "csv":
        with Refusal(Code.INCOMPATIBLE, match="do not fit the rows of a CSV"):
            predict(command("predict", run, output=str(output), **given))
        return
    predict(command("predict", run, output=str(output), **given))
    assert output.stat().st_size


@pytest.mark.parametrize("case", ["masked"], indirect=True)
def test_a_module_of_several_tensors_is_exported(case: str, run: Path, tmp_path: Path) -> None:
    """Its example is a tuple, of numbers and of yes and no."""
    place = export(command("export", run, output=str(tmp_path / "out")))
    session = pytest.importorskip("onnxruntime").InferenceSession(str(place / "model.onnx"))
    assert [each.name for each in session.get_inputs()] == ["values", "mask"]


@pytest.mark.parametrize("case", ["distillation"], indirect=True)
def test_a_module_on_a_source_is_exported_without_an_example(
    case: str, run: Path, tmp_path: Path
) -> None:
    place = export(command("export", run, output=str(tmp_path / "out"), formats=["torch"]))
    assert (place / "model.pt2").is_file()


@pytest.mark.parametrize("case", ["detection"], indirect=True)
def test_what_has_no_forward_of_tensors_is_not_exported(
    case: str, run: Path, tmp_path: Path
) -> None:
    with Refusal(Code.INCOMPATIBLE, "module", "Detector"):
        export(command("export", run, output=str(tmp_path / "out")))


def test_seeds_of_data_that_ask_their_trainer_are_measured_as_single_runs(tmp_path: Path) -> None:
    """Its loaders ask the Trainer for the module, as each member is trained and tested anew."""
    trained(tmp_path / "run", "replay", 1, "cv.seeds=2", "seed=3")
    whole = runs.record(tmp_path / "run")
    alone = [tmp_path / "run" / f"seeds/{seed}" for seed in (3, 4)]
    scores = evaluate(command("evaluate", tmp_path / "run"))
    each = [evaluate(command("evaluate", folder)) for folder in alone]
    for split, recorded in (("val", whole["validation"]), ("test", whole["test"])):
        mean = np.mean([found[split]["reward"] for found in each])
        assert recorded["reward"] == scores[split]["reward"] == pytest.approx(mean)


@pytest.mark.parametrize("case", ["quantized"], indirect=True)
def test_a_forward_that_fixes_the_size_of_a_batch_is_not_exported(
    case: str, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="batches of any size") as refused:
        export(command("export", run, output=str(tmp_path / "out"), formats=["torch"]))
    assert refused.value.code is Code.INCOMPATIBLE


@pytest.mark.slow
def test_a_sweep_finds_the_configs_of_a_search_path(tmp_path: Path) -> None:
    """Its trials are processes of their own."""
    words = ("module=adversarial", *CASES["adversarial"], *QUIET, "trainer.max_epochs=1")
    more = ("sweeper=random", "search_space=module", "sweeper.n_trials=2")
    space = (*more, f"hydra.sweep.dir={tmp_path / 'sweep'}")
    train = [sys.executable, str(runs.ROOT / "src/train.py"), "-m", *outside.WORDS, *words, *space]
    environment = runs.environment() | {"PYTHONPATH": str(runs.ROOT / "tests")}
    ended = subprocess.run(train, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    trials = sorted((tmp_path / "sweep" / "trials").iterdir())
    assert [runs.record(trial)["status"] for trial in trials] == ["completed", "completed"]
    titles = (tmp_path / "sweep" / "leaderboard.csv").read_text().partition("\n")[0]
    assert "module.latent" in titles  # which the module's own YAML says to vary
