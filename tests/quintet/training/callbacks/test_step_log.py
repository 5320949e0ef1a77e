import csv
from pathlib import Path

import pytest

import runs
from quintet.report.run.run_data import RunData
from quintet.report.run.step_charts import means, smoothed, steps_charts
from runs import TrainHere

QUICK = ("callbacks.progress=null", "data.batch_size=64", "optimizer.lr=0.01")
BOARD = ("logger=tensorboard", "trainer.log_every_n_steps=5")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "steps.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs of 20 steps, with a row of every fifth step."""
    folder = tmp_path_factory.mktemp("stepped") / "run"
    runs.train(folder, *QUICK, *BOARD, "trainer.max_epochs=2", "trainer.profiler=simple")
    return folder


def scalars(folder: Path) -> dict[str, list[int]]:
    """Return the steps at which TensorBoard has each number."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder / "tensorboard")).Reload()
    return {tag: [event.step for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_every_few_steps_have_a_row_in_the_file_and_in_trackers(stepped: Path) -> None:
    found = rows(stepped)
    assert [int(row["step"]) for row in found] == [*range(5, 41, 5)]
    assert {row["epoch"] for row in found} == {"0", "1"}
    assert all(float(row["loss"]) > 0 and float(row["gradient_norm"]) > 0 for row in found)
    board = scalars(stepped)
    assert board["step/loss"] == board["step/gradient_norm"] == [*range(5, 41, 5)]


def test_the_learning_rate_of_every_epoch_is_in_trackers(stepped: Path) -> None:
    assert scalars(stepped)["lr"] == [0, 1]


def test_the_page_draws_the_steps_and_quotes_the_profiler(stepped: Path) -> None:
    assert len(steps_charts(RunData.read(stepped).steps)) == 2
    wide = [{"step": 10.0**i, "loss": 10.0**-i, "gradient_norm": 10.0**i} for i in range(4)]
    axes = [chart.layout["yaxis"] for chart in steps_charts(wide)]  # type: ignore[attr-defined]
    assert [axis["type"] for axis in axes] == ["log", "log"]
    assert "run_training_epoch" in (stepped / "fit-profile.txt").read_text()


def test_no_steps_are_logged_unless_asked_for(train_here: TrainHere, tmp_path: Path) -> None:
    train_here(tmp_path / "run", *QUICK, "trainer.max_epochs=1")
    assert not (tmp_path / "run" / "steps.csv").exists()
    assert RunData.read(tmp_path / "run").steps == []


def test_a_resumed_run_has_the_rows_of_one_that_was_not_interrupted(
    stepped: Path, train_here: TrainHere, tmp_path: Path
) -> None:
    train_here(tmp_path / "run", *QUICK, *BOARD, "trainer.max_epochs=1")
    with (tmp_path / "run" / "steps.csv").open("a") as file:
        file.write("21,1,0.5,0.5,0.01\n22,1,0")  # of an epoch that was not completed
    train_here(None, f"resume={tmp_path / 'run'}", "trainer.max_epochs=2")
    assert [row["step"] for row in rows(tmp_path / "run")] == [r["step"] for r in rows(stepped)]


def test_curves_are_smoothed_without_a_lag_at_their_start() -> None:
    assert smoothed([3.0] * 200) == pytest.approx([3.0] * 200)
    assert means([*range(4000)], [1.0] * 4000)[0][:2] == [1.5, 5.5]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("trainer.strategy=ddp_spawn", r"ddp_spawn .* only weights.*trainer\.strategy=ddp"),
        ("trainer.strategy=ddp_fork", r"ddp_fork .* only weights"),
        ("trainer.profiler=quick", r"quick is not a profiler.*advanced"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(
    word: str, says: str, train_here: TrainHere, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=f"(?s){says}"):
        train_here(tmp_path / "run", word)
