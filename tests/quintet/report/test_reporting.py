"""Commands write the pages of runs and sweeps, which themselves know nothing of pages."""

import ast
from pathlib import Path

import pytest

from quintet.base.errors import DivergedError
from quintet.commands import experiments
from quintet.study.trial_pipe import TrialPipe
from quintet.training import experiment
from running import ROOT, SHORT, composed

WORDS = (*SHORT, "data=wine", "model.width=8", "report=true")
ABOVE = ("report", "comparison", "commands", "testing", "api.py")
"""Rooms that may read the report's own modules."""


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    from_ = {
        f"{n.module}.{a.name}" for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names
    }
    return from_ | {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}


def test_nothing_below_the_report_imports_it():
    package = ROOT / "src/quintet"
    below = [
        path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in ABOVE
    ]
    assert [p for p in below if any(n.startswith("quintet.report.") for n in imported(p))] == []


def test_the_command_leaves_the_page_not_the_run(tmp_path):
    experiment.run(composed(tmp_path / "alone", *WORDS))
    assert (tmp_path / "alone/result.json").is_file()
    assert not (tmp_path / "alone/report.html").exists()
    experiments.train(composed(tmp_path / "page", *WORDS))
    assert "<h2>Scores</h2>" in (tmp_path / "page/report.html").read_text()


def test_a_run_that_diverges_leaves_its_page_too(tmp_path):
    with pytest.raises(DivergedError):
        experiments.train(composed(tmp_path, *WORDS, "optimizer.lr=1e30", "trainer.max_epochs=9"))
    assert "diverged after" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("ends", ["failed", "interrupted"])
def test_folds_leave_the_pages_that_they_have_come_to(tmp_path, monkeypatch, ends):
    error, run, seen = (
        {"failed": OSError, "interrupted": KeyboardInterrupt}[ends],
        experiment.run,
        [],
    )

    def second_ends_early(cfg, at_end, earlier):
        seen.append(Path(cfg.paths.run))
        if len(seen) == 1:
            return run(cfg, at_end, earlier)
        assert (seen[0] / "report.html").is_file(), "as soon as the first fold has ended"
        raise error

    monkeypatch.setattr(experiment, "run", second_ends_early)
    with pytest.raises(error):
        experiments.train(composed(tmp_path, *WORDS, "cv.folds=3"))
    assert (tmp_path / "folds/0/report.html").is_file()
    assert not (tmp_path / "folds/1/report.html").exists()
    assert ends in (tmp_path / "report.html").read_text()


def test_a_trial_leaves_none(tmp_path, monkeypatch):
    for name, value in TrialPipe(0, 1, 2).to_environment().items():
        monkeypatch.setenv(name, value)
    experiments.leave_run(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_another_rank_than_the_first_leaves_none(tmp_path, monkeypatch):
    experiment.run(composed(tmp_path, *WORDS))
    monkeypatch.setenv("LOCAL_RANK", "1")
    experiments.leave_run(tmp_path)
    assert not (tmp_path / "report.html").exists()
