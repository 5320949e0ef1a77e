"""The report of a run that is followed while it trains."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

import browsing
from quintet.base.errors import Code
from quintet.report.live_server import LiveReport, server
from quintet.report.run.run_page import page_so_far
from refusals import Refusal


@contextmanager
def training(folder: Path) -> Iterator[None]:
    """Hold a run folder as the process that trains in it does."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@pytest.fixture
def begun(digits_run: Path, tmp_path: Path) -> Path:
    """A run folder as it is after the first of its two epochs."""
    folder = shutil.copytree(digits_run, tmp_path / "run")
    for name in ("result.json", "predictions.npz", "report.html"):
        (folder / name).unlink(missing_ok=True)
    rows = (folder / "metrics.csv").read_text().splitlines(keepends=True)
    (folder / "metrics.csv").write_text("".join(rows[:2]))
    return folder


def text(folder: Path) -> str:
    shown = re.sub(
        r"<script.*?</script>|<style.*?</style>|<[^>]+>",
        " ",
        page_so_far(folder).html(),
        flags=re.DOTALL,
    )
    return " ".join(shown.replace("&#160;", " ").split())


def test_a_run_that_trains_says_how_far_it_is(begun: Path) -> None:
    with training(begun):
        shown = text(begun)
    assert re.search(
        r"mlp on digits is training: 1 of 2 epochs have ended; best accuracy 0\.\d+", shown
    )
    assert "steer.py" in shown
    assert "no change" not in shown
    assert "live=true" in shown
    assert "evaluate.py" not in shown


def test_a_killed_run_is_not_said_to_train(begun: Path) -> None:
    assert "was interrupted after 1 epoch; best accuracy" in text(begun)


def test_an_ended_run_has_its_usual_page(digits_run: Path) -> None:
    assert "evaluate.py" in text(digits_run)


def test_a_run_before_its_first_epoch_has_a_page(begun: Path) -> None:
    (begun / "metrics.csv").unlink()
    with training(begun):
        assert "0 of 2 epochs have ended." in text(begun)


def test_of_a_run_over_folds_each_is_followed(begun: Path) -> None:
    config = yaml.safe_load((begun / "config.yaml").read_text())
    config["cv"]["folds"] = 5
    (begun / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with training(begun), Refusal(Code.INCOMPATIBLE, "run") as refused:
        page_so_far(begun)
    assert (refused.value.code, refused.value.key) == (Code.INCOMPATIBLE, "run")


def test_a_browser_follows_the_epochs(
    begun: Path, digits_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quintet.report.live_server.SPARED", 0.0)
    report = LiveReport(lambda: replace(page_so_far(begun), live=True))
    with training(begun), server(report) as made, browsing.browser() as chromium:
        thread = Thread(target=made.serve_forever, daemon=True)
        thread.start()
        shown: Any = chromium.new_page()
        troubles: list[str] = []
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.goto(made.address)
        shown.locator(".headline", has_text=re.compile("1.of.2.epochs")).wait_for(timeout=30_000)
        shutil.copy(digits_run / "metrics.csv", begun / "metrics.csv")
        shown.locator(".headline", has_text=re.compile("2.of.2.epochs")).wait_for(timeout=30_000)
        assert troubles == []
        made.shutdown()
        thread.join()
