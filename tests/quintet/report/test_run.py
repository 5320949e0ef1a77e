"""A run's report, on real runs: images, a table, a series."""

import json
import re
import shutil

import numpy as np
import pytest

import browsing
import runs
from quintet.base.errors import Code, UserError
from quintet.base.formatting import score
from quintet.report.run.curves import marks
from quintet.report.run.png import png
from quintet.report.run.run_data import RunData
from quintet.report.run.run_head import head
from quintet.report.run.run_page import SECTIONS, leave, write
from quintet.report.sweep.sweep_page import report
from refusals import Refusal

WORDS = ("report=true", "baselines=true", "callbacks.progress=null")
RUNS = {
    "digits": ("trainer.max_epochs=6",),
    "breast_cancer": ("data=breast_cancer", "metric=auc_roc", "trainer.max_epochs=2"),
    "sunspots": ("data=sunspots", "metric=rmse", "loss=mse", "trainer.max_epochs=2"),
    "digits_multilabel": ("data=digits_multilabel", "loss=bce", "trainer.max_epochs=1"),
}


@pytest.fixture(scope="module")
def trained(once):
    """The run folders, each trained once, in this process."""

    def make(folder):
        for name, words in RUNS.items():
            runs.train(folder / name, *words, *WORDS)

    return once("reported_runs", make)


@pytest.fixture(scope="module")
def chromium():
    with browsing.browser() as chromium:
        yield chromium


@pytest.mark.parametrize("name", RUNS)
def test_a_run_ends_with_a_page_on_which_everything_is_drawn(chromium, trained, name):
    page = browsing.opened(chromium, trained / name / "report.html")
    titles = [s for s in SECTIONS if s not in ("Checks", "Profile", "Samples")]
    assert page.locator("section h2").all_inner_texts() == titles
    charts = page.locator("figure.chart")
    assert charts.count() >= 4
    assert charts.filter(has=page.locator(".main-svg")).count() == charts.count()
    value = json.loads((trained / name / "result.json").read_text())["metric"]["value"]
    assert score(value) in page.locator(".headline").inner_text()
    assert page.troubles == []
    page.close()


def test_the_page_fits_a_telephone_in_the_dark(chromium, trained):
    page = browsing.opened(chromium, trained / "digits" / "report.html", 420, "dark")
    assert browsing.fits(page)
    assert page.locator(".gallery img").count() == 16
    sizes = page.eval_on_selector_all(".gallery img", "all => all.map(i => i.naturalWidth)")
    assert set(sizes) == {8}
    page.close()


def test_the_metric_has_an_interval_around_its_recorded_value(trained):
    run = RunData.read(trained / "breast_cancer")
    for split in ("val", "test"):
        found = run.scores[split]["auc_roc"]
        assert found.value == run.recorded(split)
        assert found.low < found.value < found.high or found.value == found.high == 1


def test_a_metric_with_other_settings_has_no_interval(trained, tmp_path):
    folder = shutil.copytree(trained / "breast_cancer", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text())
    record["metric"]["value"] -= 0.1
    (folder / "result.json").write_text(json.dumps(record))
    assert "auc_roc" not in RunData.read(folder).scores["val"]


def test_a_record_of_an_earlier_version_still_has_its_page(trained, tmp_path):
    folder = shutil.copytree(trained / "breast_cancer", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text())
    kept = {k: record[k] for k in ("metric", "seed", "status", "test", "choices", "epochs")}
    (folder / "result.json").write_text(json.dumps(kept))
    assert "auc_roc" in write(folder).read_text()


def test_the_command_writes_it_again(trained, tmp_path):
    from omegaconf import OmegaConf

    cfg = OmegaConf.create(
        {"run": str(trained / "digits"), "sweep": None, "output": None, "live": False}
    )
    cfg.output = str(tmp_path / "other.html")
    assert report(cfg).read_text().count("<h2>") == len(SECTIONS) - 3
    with pytest.raises(UserError) as caught:
        report(OmegaConf.merge(cfg, {"sweep": "too"}))
    assert caught.value.code is Code.CONFLICT
    with pytest.raises(UserError) as caught:
        report(OmegaConf.merge(cfg, {"run": None}))
    assert caught.value.code is Code.MISSING_VALUE


def test_a_folder_that_is_no_runs_is_refused(tmp_path):
    with Refusal(Code.NOT_FOUND, "run") as caught:
        write(tmp_path)
    assert (caught.value.code, caught.value.value) == (Code.NOT_FOUND, tmp_path)


def test_a_page_that_cannot_be_written_costs_a_line(trained, tmp_path, capsys):
    folder = shutil.copytree(trained / "sunspots", tmp_path / "run")
    (folder / "report.html").unlink()
    (folder / "predictions.npz").write_bytes(b"no zip")
    leave(folder)
    assert "report.html could not be written" in capsys.readouterr().out
    assert not (folder / "report.html").exists()


def test_a_run_that_was_told_to_leaves_none(trained, tmp_path):
    folder = shutil.copytree(trained / "sunspots", tmp_path / "run")
    (folder / "report.html").unlink()
    config = folder / "config.yaml"
    config.write_text(re.sub("^report: true", "report: false", config.read_text(), flags=re.M))
    leave(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3)])
def test_a_png_holds_the_very_pixels(tmp_path, shape):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(png(pixels))
    np.testing.assert_array_equal(np.asarray(image.open(tmp_path / "a.png")), pixels)


def test_a_run_that_failed_says_why(trained, tmp_path, chromium):
    folder = shutil.copytree(trained / "sunspots", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text())
    record |= {"status": "diverged", "reason": "The loss became NaN", "test": {}}
    record["metric"]["value"] = None
    (folder / "result.json").write_text(json.dumps(record))
    (folder / "predictions.npz").unlink()
    page = browsing.opened(chromium, write(folder))
    assert "diverged after 2 epochs" in page.locator(".headline").inner_text()
    assert page.get_by_text("The loss became NaN").count() == 1
    page.close()


def test_a_steered_run_is_not_to_be_repeated_by_its_command(trained, tmp_path):
    folder = shutil.copytree(trained / "digits", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text())
    change = {"key": "optimizer.lr", "before": 0.01, "after": 0.001, "epoch": 2, "refused": ""}
    record["steering"] = [change, change | {"after": 0.0298258, "epoch": 4, "by": "pbt"}]
    (folder / "result.json").write_text(json.dumps(record))
    run = RunData.read(folder)
    shown = "".join(block.html() for block in head(run))
    told = "Changed while it trained: optimizer.lr 0.01 → "
    assert f"{told}0.001 in epoch 3, by steer.py." in shown
    assert f"{told}0.02983 in epoch 5, by population-based training." in shown
    assert "does not repeat these changes" in shown
    assert "of 360 test samples" in shown  # by which the baseline is behind
    assert [mark["x0"] for mark in marks(run)] == [3, 5]


@pytest.mark.parametrize(("of_linear", "title"), [(0.5, "Better than"), (0.9999, "Behind")])
def test_it_says_whether_the_model_is_ahead_of_the_best_baseline(
    trained, tmp_path, of_linear, title
):
    folder = shutil.copytree(trained / "digits", tmp_path / "run")
    record = json.loads((folder / "result.json").read_text())
    record["baselines"] = {"linear": {"val": of_linear, "test": of_linear}}
    (folder / "result.json").write_text(json.dumps(record))
    run = RunData.read(folder)
    shown = "".join(block.html() for block in head(run))
    gap = abs(run.recorded("test") - of_linear)
    assert f"{title} the best baseline by" in shown
    assert f"{gap:.4f}" in shown
