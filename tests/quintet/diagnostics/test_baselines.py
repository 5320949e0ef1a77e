import json

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from subjects import composed, subject

from quintet.artifacts.record import Record
from quintet.config.instantiate import instantiate
from quintet.diagnostics import baselines
from quintet.training import experiment
from quintet.training.setup import set_facts
from usual import every

KINDS = {
    "digits": "max",
    "breast_cancer": "max",
    "digits_multilabel": "max",
    "diabetes": "min",
    "sunspots": "min",
    "unicode_names": "max",
}


@pytest.mark.parametrize("data", every(3, KINDS))
def test_of_every_task_the_linear_model_beats_the_dummy(tmp_path, data):
    words = (f"data={data}", *(["model=gru"] if data == "unicode_names" else []))
    cfg = composed(tmp_path, "trainer=cpu", *words)
    one = subject(tmp_path, *words)
    resolved = composed(tmp_path, *words)
    set_facts(resolved, one.facts)
    metric = instantiate(resolved.metric, "metric")
    found = baselines.scores(one.data, one.facts, metric, ["val", "test"])
    assert cfg.metric.mode == KINDS[data]
    for split in ("val", "test"):
        linear, dummy = found["linear"][split], found["dummy"][split]
        assert linear > dummy if KINDS[data] == "max" else linear < dummy


def test_the_scores_are_scikit_learns_own(digits):
    (x, y), (unseen, truth) = (digits.data.splits[name] for name in ("train", "test"))
    model = LogisticRegression(max_iter=200).fit(x.flatten(1), y)
    metric = digits.make().meters["on_val"].metric.clone()
    found = baselines.scores(digits.data, digits.facts, metric, ["test"])
    assert found["linear"]["test"] == pytest.approx(model.score(unseen.flatten(1), truth))


def test_categories_are_counted_one_by_one(tmp_path):
    path = tmp_path / "shop.csv"
    rows = [
        f"{city},{i % 7},{'yes' if city in 'ac' else 'no'}" for i, city in enumerate("abcd" * 60)
    ]
    path.write_text("\n".join(["city,n,bought", *rows]))
    one = subject(tmp_path, "data=csv", f"data.path={path}", "data.target=bought")
    metric = one.make().meters["on_val"].metric.clone()
    assert baselines.scores(one.data, one.facts, metric, ["val"])["linear"]["val"] == 1.0


@pytest.fixture
def addresses(tmp_path):
    """A table in which the street, one of 1,500, decides alone."""
    path = tmp_path / "shop.csv"
    rows = [f"street{i % 1500},{i % 7},{'yes' if i % 1500 < 750 else 'no'}" for i in range(6000)]
    path.write_text("\n".join(["street,n,bought", *rows]))
    return "data=csv", f"data.path={path}", "data.target=bought"


def test_many_categories_cost_no_rows(tmp_path, addresses):
    one = subject(tmp_path, *addresses)
    metric = one.make().meters["on_val"].metric.clone()
    found = baselines.scores(one.data, one.facts, metric, ["val"])
    assert baselines.fitted_rows(one.data, one.facts) == one.facts.train_size
    assert found["linear"]["val"] > 0.95
    assert found["boosting"]["val"] > 0.9


def test_a_sample_is_drawn_at_random_and_said(tmp_path, addresses, monkeypatch):
    monkeypatch.setattr(baselines, "ROWS", 300)
    experiment.run(composed(tmp_path, "trainer=cpu", "trainer.max_epochs=1", *addresses))
    record = Record.read(tmp_path)
    assert record.baselines_summary == (
        "baselines: fitted on 300 of 4,200 samples, drawn at random"
    )
    assert record.baselines["linear"]["val"] < 0.95


@pytest.mark.parametrize(("data", "there"), [("wine", True), ("diabetes", True), ("digits", False)])
def test_boosted_trees_are_a_baseline_of_tables(tmp_path, data, there):
    one = subject(tmp_path, f"data={data}")
    found = baselines.predict(one.data, one.facts, ["val"])
    assert ("boosting" in found) == there


def test_boosted_trees_are_scikit_learns_own(tmp_path):
    one = subject(tmp_path, "data=breast_cancer")
    (x, y), (unseen, _) = (one.data.splits[name] for name in ("train", "test"))
    model = HistGradientBoostingClassifier(random_state=0).fit(x.numpy(), y.numpy())
    found = baselines.predict(one.data, one.facts, ["test"])["boosting"]["test"]
    assert found.numpy() == pytest.approx(model.predict_proba(unseen.numpy())[:, 1])


def test_it_is_said_plainly_when_trees_win():
    found = {"linear": {"val": 0.9}, "boosting": {"val": 0.95}, "dummy": {"val": 0.99}}
    said = baselines.warning(0.85, found, "accuracy", "max")
    assert said.startswith("Boosted trees are better on validation: accuracy 0.9500 against 0.8500")


@pytest.mark.parametrize(
    ("value", "mode", "lost"), [(0.8, "max", True), (0.95, "max", False), (0.95, "min", True)]
)
def test_losing_to_the_linear_model_is_said_in_the_metrics_direction(value, mode, lost):
    said = baselines.warning(value, {"linear": {"val": 0.9}}, "p", mode)
    assert (said is not None and "0.9000 against" in said) == lost


def test_a_tie_on_paper_is_not_a_loss():
    assert baselines.warning(0.997351, {"linear": {"val": 0.997352}}, "p", "max") is None


def test_trees_that_lose_are_not_told_to_train_a_net():
    found = {"linear": {"val": 0.9}, "boosting": {"val": 0.8}}
    said = baselines.warning(0.7, found, "accuracy", "max", by_gradients=False)
    assert said.endswith("Use it: module=supervised model=linear.")
    assert "check.py" not in said


def test_a_run_records_them_and_says_that_it_loses(tmp_path):
    words = ("trainer=cpu", "optimizer.lr=1e-5", "trainer.max_epochs=2")
    experiment.run(composed(tmp_path, *words))
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["baselines"].keys() == {"linear", "tree", "dummy"}
    assert record["baselines"]["linear"]["test"] > 0.9
    assert "linear baseline is better" in record["diagnosis"][-1]


@pytest.mark.parametrize("words", [("baselines=false",), ("test=false",)], ids=str)
def test_they_can_be_left_out_and_never_open_a_closed_test_set(tmp_path, words):
    experiment.run(composed(tmp_path, "trainer=cpu", "trainer.max_epochs=1", *words))
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["baselines"] == {} or record["baselines"]["tree"].keys() == {"val"}


def test_a_trial_of_a_sweep_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "is_trial", lambda: True)
    experiment.run(composed(tmp_path, "trainer=cpu", "trainer.max_epochs=1"))
    assert json.loads((tmp_path / "result.json").read_text())["baselines"] == {}


def test_the_one_process_that_scores_waits_for_no_other(digits):
    def wait(*_: object) -> None:
        raise AssertionError("asked the other processes, which are gone")

    metric = digits.make().meters["on_val"].metric.clone()
    metric.distributed_available_fn, metric.dist_sync_fn = lambda: True, wait
    assert baselines.scores(digits.data, digits.facts, metric, ["val"])["linear"]["val"] > 0.9
