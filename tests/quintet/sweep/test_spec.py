"""A study's spec is stored as fields; the text of earlier versions is still read."""

import json

from parent import loop, plan, swept

from quintet.base.errors import Code
from quintet.study import Study
from quintet.study.space import Choice, Interval, Space
from quintet.study.spec import metric_name, same, shown, space_fields, space_from_spec
from quintet.sweep import warm_start
from refusals import Refusal

SPACE = Space(
    (
        Choice("optimizer", ("adam", "sgd_momentum")),
        Choice("data.columns", ("[a when b=1,c]", "a (b)")),
        Interval("optimizer.lr", 1.23456789e-4, 0.1, "log"),
        Interval("model.depth", 1, 4, integer=True),
        Interval(
            "optimizer.momentum", 0.5, 0.99, "reverse_log", when={"optimizer": ("sgd_momentum",)}
        ),
    )
)
NEW = {"metric": {"name": "accuracy", "mode": "max"}, "space": space_fields(SPACE)}
OLD = {
    "metric": "accuracy (max)",
    "space": {
        "optimizer": "adam,sgd_momentum",
        "optimizer.lr": "tag(log,interval(0.0001,0.1))",
        "optimizer.momentum": "tag(reverse_log,interval(0.5,0.99)) when optimizer=sgd_momentum,sgd",
        "model.depth": "int(interval(1,4))",
    },
}


def test_a_space_comes_back_from_json_as_it_was():
    kept = json.loads(json.dumps(NEW))
    assert space_from_spec(kept) == SPACE
    assert metric_name(kept) == "accuracy"


def test_texts_of_earlier_versions_are_read():
    assert metric_name(OLD) == "accuracy"
    by_key = {p.key: p for p in space_from_spec(OLD).parameters}
    assert by_key["optimizer"].values == ("adam", "sgd_momentum")
    assert by_key["optimizer.lr"] == Interval("optimizer.lr", 1e-4, 0.1, "log")
    assert by_key["optimizer.momentum"].when == {"optimizer": ("sgd_momentum", "sgd")}
    assert by_key["model.depth"].integer


def test_a_study_of_an_earlier_version_continues_and_is_started_from(tmp_path):
    its = loop(plan(tmp_path, swept(x=[1, 2])))
    its.run()
    spec = its.plan.spec()
    its.study.optuna.set_user_attr("spec", {**spec, **old(spec)})
    its.study.set_or_check_spec(spec)
    wider = {**spec, "space": space_fields(swept(x=[1, 2, 3]))}
    with Refusal(Code.EXISTS, "study", "test_a_study_of_an_earlier_ver0"):
        its.study.set_or_check_spec(wider)
    assert all(same(old(spec), spec, key) for key in ("metric", "space"))
    assert not same(old(spec), wider, "space")


def old(spec):
    """A spec's metric and space as earlier versions kept them."""
    return {key: value for key, value in shown(spec).items() if key in ("metric", "space")}


def test_what_is_not_as_it_was_is_reported_in_the_words_of_the_command_line(tmp_path):
    its = loop(plan(tmp_path, swept(x=[1])))
    its.run()
    its.study.set_or_check_spec(its.plan.spec())
    other = {**its.plan.spec(), "metric": {"name": "loss", "mode": "min"}}
    with Refusal(Code.EXISTS, "study", "test_what_is_not_as_it_was_is_0"):
        its.study.set_or_check_spec(other)


def test_auto_starts_from_an_earlier_versions_study_too(tmp_path):
    its = loop(plan(tmp_path / "one", swept(x=[1, 2])))
    its.run()
    spec = its.plan.spec()
    its.study.optuna.set_user_attr("spec", {**spec, **old(spec)})
    found = warm_start._of_same_space(plan(tmp_path / "two", swept(x=[1, 2])))
    assert found == [warm_start.WarmStart("one", 1, {"x": "2"})]
    assert Study.read(tmp_path / "one").mode == "max"
