"""Reports of unusual sweeps: empty, running, huge, old, hostile."""

import os

import pytest
from omegaconf import OmegaConf

from quintet.artifacts.record import Record, Score
from quintet.base import locks
from quintet.report.sweep import sweep_warnings
from quintet.report.sweep.importance import good_range
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_page import page, write
from quintet.study.space import Choice, Interval, Space
from quintet.study.spec import space_fields
from quintet.study.study import Study
from quintet.study.trial import folder_of
from quintet.sweep.trial_process import LOCK

SPACE = Space(
    (
        Interval("optimizer.lr", 1e-4, 1e-1, "log"),
        Choice("model.activation", ("relu", "tanh")),
        Interval("optimizer.momentum", 0.5, 0.99, when={"model.activation": ("tanh",)}),
    )
)
METRIC = {"name": "accuracy", "mode": "max"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch):
    from optuna.storages import InMemoryStorage

    kept = InMemoryStorage()
    monkeypatch.setattr("quintet.study.study.storage", lambda folder, url: kept)


def study(folder, trials=0, epochs=4):
    """A study of `trials` trials, the greater the number the better, every third pruned."""
    folder.mkdir()
    made = Study(folder, "max")
    made.set_or_check_spec({"metric": METRIC, "fixed": [], "space": space_fields(SPACE)})
    for number in range(trials):
        unit = (number * 0.618) % 1
        point = SPACE.at({p.key: unit for p in SPACE.parameters})
        made.create(point, SPACE, {})
        pruned = number % 3 == 1
        last = 1 if pruned else epochs
        for epoch in range(1, last + 1):
            made.report(number, epoch, (number + epoch) / (trials + epochs), stop=False)
        value = (number + last) / (trials + epochs)
        made.note(number, epochs=last, seconds=1.5, value=value, status="completed")
        made.tell(number, "pruned" if pruned else "completed", value)
    return made


def text(made):
    return page(SweepData(made, made.folder)).html()


def test_an_empty_sweep(tmp_path):
    made = study(tmp_path / "s")
    assert "No trial has started yet" in text(made)


def test_a_sweep_that_has_only_begun(tmp_path):
    made = study(tmp_path / "s")
    made.create(SPACE.at({p.key: 0.5 for p in SPACE.parameters}), SPACE, {})
    assert "No trial has completed yet" in text(made)


def test_a_running_sweep_names_the_best_so_far(tmp_path):
    made = study(tmp_path / "s", 5)
    made.set_about(command="python src/train.py -m", total=20, max_epochs=4, defaults=None)
    made.create(SPACE.at({p.key: 0.5 for p in SPACE.parameters}), SPACE, {})
    shown = text(made)
    assert "Trial&#160;3 wins" in shown
    assert "6 of 20" in shown
    assert "not running: 5 of 20 trials have ended; 1 interrupted and 14 not started" in shown


def test_a_trial_whose_process_lives_is_running(tmp_path):
    made = study(tmp_path / "s", 5)
    made.set_about(command="python src/train.py -m", total=20, max_epochs=4, defaults=None)
    number = made.create(SPACE.at({p.key: 0.5 for p in SPACE.parameters}), SPACE, {})
    folder = folder_of(made.folder, number)
    folder.mkdir(parents=True)
    lock = locks.take(folder / LOCK)
    assert "The sweep is running: 5 of 20 trials have ended; 1 running" in text(made)
    os.close(lock)
    assert "not running" in text(made)


def test_a_finished_sweep_says_nothing_of_continuing(tmp_path):
    assert "trials have ended" not in text(study(tmp_path / "s", 5))


def test_defaults_that_were_pruned_are_no_measure(tmp_path):
    made = study(tmp_path / "s", 9)
    made.set_about(command="c", total=9, max_epochs=4, defaults=made.trials()[1].params)
    shown = text(made)
    assert "the defaults were pruned" in shown
    assert "when it was pruned after 1 of 4 epochs" in shown
    assert "better than the defaults" not in shown


def test_a_simple_model_that_beats_the_winner_is_reported_first(tmp_path):
    from quintet.artifacts.record import Record, Score

    made = study(tmp_path / "s", 3)
    winner = SweepData(made, made.folder).winner
    (made.folder / "best").mkdir()
    made.optuna.set_user_attr("best", [winner.number, winner.value])
    simple = {"linear": {"val": winner.value + 0.1}, "dummy": {"val": 0.1}}
    Record(Score("accuracy", "max", winner.value), 0, baselines=simple).write(made.folder / "best")
    head = text(made).partition("</header>")[0]
    assert f"(linear {winner.value + 0.1:.4f})" in head


def test_a_parameter_that_the_best_trials_lack_has_the_range_of_those_that_have_it(tmp_path):
    made = study(tmp_path / "s", 2)  # the first has tanh, and so a momentum
    points = [{"optimizer.lr": "0.1", "model.activation": "relu"}] * 8
    for number, point in enumerate(points, 2):
        made.create(point, SPACE, {})
        made.note(number, value=2.0, epochs=4)
        made.tell(number, "completed", 2.0)
    sweep = SweepData(made, made.folder)
    having = [t for t in sweep.trials if "optimizer.momentum" in t.params]
    assert having, "no trial has a momentum"
    assert good_range(sweep, "optimizer.momentum") != ""
    assert good_range(sweep, "nothing.has.it") == "–"


def test_three_hundred_trials_stay_a_few_megabytes(tmp_path):
    path = write(study(tmp_path / "s", 300, epochs=20))
    assert path.stat().st_size < 4e6


def test_names_and_reasons_are_escaped(tmp_path):
    made = study(tmp_path / "<b>s", 3)
    made.create({"optimizer.lr": "0.1", "model.activation": "relu"}, SPACE, {})
    made.note(3, status="failed", reason=HOSTILE, log=HOSTILE)
    made.tell(3, "failed")
    shown = text(made)
    assert HOSTILE not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<h1>&lt;b&gt;s</h1>" in shown


def test_the_defaults_are_compared_with(tmp_path):
    made = study(tmp_path / "s", 9)
    made.set_about(command="c", total=9, max_epochs=4, defaults=made.trials()[0].params)
    assert "better than the defaults" in text(made)


def test_a_winner_at_the_edge_of_its_range_is_warned_of(tmp_path):
    made = study(tmp_path / "s", 4)
    made.create({"optimizer.lr": "0.1", "model.activation": "relu"}, SPACE, {})
    made.note(4, value=1.0, epochs=4)
    made.tell(4, "completed", 1.0)
    (warning,) = sweep_warnings.range_edges(SweepData(made, made.folder))
    assert "optimizer.lr=0.1" in warning
    assert "higher" in warning


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"facts": {"fingerprint": "other"}}, "different versions of the data"),
        ({"environment": {"numpy": "1.0"}}, "numpy changed during the sweep"),
        ({"environment": {"commit": "other"}}, "different commits"),
    ],
)
def test_what_changed_between_trials_is_warned_of(tmp_path, changed, warned):
    from quintet.artifacts.record import Record, Score

    made = study(tmp_path / "s", 2)
    same = {"facts": {"fingerprint": "one"}, "environment": {"commit": "one", "numpy": "2.0"}}
    for number, fields in enumerate([same, {**same, **changed}]):
        folder = made.folder / "trials" / f"{number:04d}"
        folder.mkdir(parents=True)
        Record(Score("accuracy", "max", 0.5), 0, **fields).write(folder)
    assert warned in " ".join(sweep_warnings.warnings(SweepData(made, made.folder)))


def test_data_written_since_the_last_trial_is_warned_of(tmp_path):
    made = study(tmp_path / "s", 2)
    table = tmp_path / "a, b=c.csv"
    table.touch()
    for number in range(2):
        folder = folder_of(made.folder, number)
        folder.mkdir(parents=True)
        Record(Score("accuracy", "max", 0.5), seed=0, status="completed").write(folder)
        (folder / "config.yaml").write_text(OmegaConf.to_yaml({"data": {"path": str(table)}}))
    os.utime(table, (0, 0))
    assert sweep_warnings.data(SweepData(made, made.folder)) == []
    os.utime(table, (2e9, 2e9))
    (said,) = sweep_warnings.data(SweepData(made, made.folder))
    assert str(table) in said
