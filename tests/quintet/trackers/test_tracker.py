from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger

from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.trackers.tracker import Tracker, require
from quintet.training import build
from quintet.training.experiment import run


class Broken(Tracker, CSVLogger):
    """Loses its connection at a chosen call."""

    title = "Broken"

    def __init__(self, folder: Path, at: str) -> None:
        super().__init__(folder)
        self.at, self.calls = at, []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.at:
            raise ConnectionResetError("Connection lost")

    def open(self, about):
        self._call("open")

    def close(self, record):
        self._call("close")

    def save(self):
        self.attempt(self._call, "save")


@pytest.fixture
def train(composed, monkeypatch):
    """Run with one given logger."""
    switched_on = build._switched_on

    def start(logger):
        def only(cfg, group):
            return [logger] if group == "logger" else switched_on(cfg, group)

        monkeypatch.setattr(build, "_switched_on", only)
        cfg = composed()
        run(cfg)
        return Path(cfg.paths.run)

    return start


@pytest.mark.parametrize("at", ["open", "save", "close"])
def test_a_tracker_that_breaks_costs_one_warning_and_no_training(at, train, tmp_path, capsys):
    logger = Broken(tmp_path / "csv", at)
    folder = train(logger)
    assert Record.read(folder).status == "completed"
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3
    assert logger.calls[-1] == at, "a lost tracker is left alone"
    assert capsys.readouterr().out.count("Connection lost") == 1


def test_any_logger_of_lightning_gets_config_and_outcome(train, tmp_path):
    logger = CSVLogger(tmp_path / "csv", name="", version="")
    folder = train(logger)
    assert "optimizer: adam" in (tmp_path / "csv" / "hparams.yaml").read_text()
    *_, last = (tmp_path / "csv" / "metrics.csv").read_text().splitlines()
    assert f"{Record.read(folder).test['accuracy']}" in last


def test_a_missing_package_is_named_with_its_remedy():
    with pytest.raises(UserError) as caught:
        require("no_such_tracker", ".[no_such_tracker]")
    assert (caught.value.code, caught.value.value) == (Code.UNAVAILABLE, "no_such_tracker")
    assert "pip install -e '.[no_such_tracker]'" in caught.value.hint
