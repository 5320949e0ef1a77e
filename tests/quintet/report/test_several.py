"""Pages of a run over folds, and of a sweep whose trials have folds."""

import shutil

import pytest

import browsing
from quintet.artifacts.record import Record
from quintet.commands import experiments
from quintet.report.run.run_page import SEVERAL
from quintet.report.run.run_page import write as write_run
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.space import Choice, Space
from quintet.study.spec import space_fields
from quintet.study.study import Study
from quintet.study.trial import folder_of
from running import SHORT, composed


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cv") / "run"
    folder.mkdir()
    words = ["data=breast_cancer", "model.width=8", "cv.folds=2", *SHORT, "report=true"]
    experiments.train(composed(folder, *words, "trainer.max_epochs=2"))
    return folder


def test_a_run_over_folds_leaves_a_page_that_leads_to_each(folded):
    record = Record.read(folded)
    with browsing.browser() as chromium:
        page = browsing.opened(chromium, folded / "report.html")
        first = page.locator("header").inner_text()
        assert "over 2 folds" in first
        assert f"± {record.spread['deviation']:.4f}" in first
        assert "averaged predictions of 2 models" in first
        assert page.locator("section h2").all_inner_texts() == [*SEVERAL]
        links = page.locator("#runs a").all()
        assert [link.inner_text() for link in links] == ["folds/0", "folds/1"]
        for link in links:
            assert (folded / link.get_attribute("href")).is_file()
        assert page.locator("figure.chart:not([data-drawn])").count() == 0
        assert page.troubles == []


def test_the_length_of_a_continuation_is_in_epochs_of_a_fold(folded, tmp_path):
    moved = shutil.copytree(folded, tmp_path / "run")
    (moved / ".hydra").mkdir()
    (moved / ".hydra/config.yaml").touch()
    assert "trainer.max_epochs=4" in write_run(moved).read_text()


def test_the_curve_of_a_trial_with_folds_is_their_mean(folded, tmp_path):
    space = Space((Choice("seed", ("1", "2")),))
    (tmp_path / "s").mkdir()
    made = Study(tmp_path / "s", "max")
    made.set_or_check_spec(
        {"metric": {"name": "accuracy", "mode": "max"}, "fixed": [], "space": space_fields(space)}
    )
    made.create({"seed": "1"}, space, {})
    shutil.copytree(folded, folder_of(made.folder, 0))
    sweep = SweepData(made, made.folder)
    each = [sweep._from_file(folded / f"folds/{i}") for i in range(2)]
    assert sweep.curves[0] == {e: pytest.approx((each[0][e] + each[1][e]) / 2) for e in (1, 2)}
