import json

import pytest
from subjects import composed

import outside
from quintet.base.errors import Code, UserError
from quintet.commands import check as checking


def test_a_failure_ends_with_exit_code_1_and_is_on_file(tmp_path, capsys):
    cfg = composed(tmp_path, "optimizer.lr=50", "trainer=cpu", config="check")
    with pytest.raises(SystemExit) as ended:
        checking.check(cfg)
    assert ended.value.code == 1
    (failed,) = [f for f in json.loads((tmp_path / "check.json").read_text()) if f["cure"]]
    assert failed["name"] == "learning rate"
    assert failed["verdict"] == "fail"
    assert failed["cure"] in capsys.readouterr().out
    assert (tmp_path / "lr_range.csv").read_text().startswith("lr,loss\n")


def test_apply_trains_with_the_suggested_rate(tmp_path):
    words = ("apply=true", "trainer=cpu", "trainer.max_epochs=2", "test=false", "optimizer.lr=1e-5")
    value = checking.check(composed(tmp_path, *words, config="check"))
    record = json.loads((tmp_path / "result.json").read_text())
    assert value == record["metric"]["value"] > 0.8
    assert record["overrides"][-1].startswith("optimizer.lr=")
    assert "apply=true" not in record["overrides"]  # they are what train.py takes
    assert "optimizer.lr=1e-5" not in record["overrides"]


def test_of_folds_the_first_is_checked(tmp_path):
    words = ("data=wine", "trainer=cpu")
    assert checking.prepare(composed(tmp_path, "cv.folds=3", *words)).data.folds == 3
    with pytest.raises(UserError) as caught:
        checking.prepare(composed(tmp_path, "cv.folds=1", *words))
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "cv.folds")


def test_apply_is_refused_where_a_module_has_its_own_rate(tmp_path):
    words = (*outside.WORDS, "module=lit", "data=lit", "metric=logged", "metric.name=acc")
    with pytest.raises(UserError) as refused:
        checking.check(composed(tmp_path, *words, "apply=true", "trainer=cpu", config="check"))
    assert (refused.value.code, refused.value.key) == (Code.INCOMPATIBLE, "apply")


def test_an_init_that_scales_with_the_width_has_its_coordinates_checked(tmp_path, capsys):
    words = ("init=mup", "init.base_width=32", "trainer=cpu", "optimizer.lr=0.003")
    checking.check(composed(tmp_path, *words, config="check"))
    found = {f["name"]: f for f in json.loads((tmp_path / "check.json").read_text())}
    assert found["coordinate check"]["verdict"] == "pass"
    rows = (tmp_path / "coordinates.csv").read_text().splitlines()
    assert rows[0] == "scaling,width,layer,step,change"
    assert len(rows) == 1 + 2 * 5 * 3 * 4  # with and without, widths, layers, steps
    page = (tmp_path / "coordinates.html").read_text()
    assert "With init=mup, after 4 steps" in page
    assert "With one rate for all layers, after 4 steps" in page
    assert "128" in capsys.readouterr().out


def test_another_init_has_no_coordinates(tmp_path):
    assert checking.prepare(composed(tmp_path, "trainer=cpu")).resized is None
