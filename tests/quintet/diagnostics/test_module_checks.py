"""Checks of modules of one's own, which know nothing of what they learn."""

import json
from pathlib import Path

import pytest
from subjects import composed

import outside
import runs
from quintet.base.errors import UserError
from quintet.commands.check import prepare
from quintet.diagnostics import module_checks
from quintet.diagnostics.module_checks import ModuleSubject
from usual import every

LIT = ("module=lit", "data=lit", "metric=logged", "metric.name=acc", "metric.mode=max")


@pytest.fixture
def gan(tmp_path: Path) -> ModuleSubject:
    subject = prepare(composed(tmp_path, "experiment=gan", "trainer=cpu"))
    assert isinstance(subject, ModuleSubject)
    return subject


def test_a_gan_is_sound_but_for_the_labels_that_it_does_not_need(gan: ModuleSubject) -> None:
    found = {finding.name: finding for finding in module_checks.findings(gan)}
    assert [f.verdict for f in found.values()] == ["pass", "pass", "pass", "warn"]
    assert "batch[1]" in found["uses its inputs"].seen
    assert "batch[0]" not in found["uses its inputs"].seen


def test_what_no_optimizer_has_is_named(gan: ModuleSubject) -> None:
    whole = gan.make

    def with_more() -> object:
        module = whole()
        module.forgotten = module.generator[0].__class__(2, 2)
        return module

    gan.make = with_more  # type: ignore[assignment]
    first = next(iter(module_checks.findings(gan)))
    assert (first.name, first.verdict) == ("optimizers", "fail")
    assert "forgotten.weight" in first.seen


LOGGED = ("metric=logged", "metric.mode=max")
SOUND = {
    "diffusion": ("data=digits", *LOGGED, "metric.name=gap"),
    "tagging": ("data=tagging", *LOGGED, "metric.name=f1"),
    "several_loaders": ("data=several_loaders", "model=flat", *LOGGED, "metric.name=clean_acc"),
    "late_layers": ("data=digits", *LOGGED, "metric.name=seg/acc"),
    "sparse": ("data=sparse", *LOGGED, "metric.name=hits"),
    "physics": ("data=physics", "metric=logged", "metric.mode=min", "metric.name=residual"),
}


@pytest.mark.parametrize("case", every(3, SOUND))
def test_modules_as_teams_write_them_are_checked(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Averaged weights, a warm-up from zero, several loaders at once, steps that are left out.

    Sparse and packed tensors, and an optimizer that takes several looks at a batch.
    """
    if case == "tagging":
        pytest.importorskip("transformers")
    words = (*outside.WORDS, f"module={case}", *SOUND[case], "trainer=cpu")
    monkeypatch.setattr(module_checks, "MEMORISED", 10)
    subject = prepare(composed(tmp_path, *words))
    assert isinstance(subject, ModuleSubject)
    found = {each.name: each for each in module_checks.findings(subject)}
    assert found["optimizers"].verdict == "pass", found["optimizers"]
    assert found["gradient flow"].verdict == "pass", found["gradient flow"]
    if case == "diffusion":
        assert "7 that the module changes itself" in found["optimizers"].seen
    if case == "sparse":
        assert "counts" not in found["uses its inputs"].seen  # though their weights begin at zero
        with pytest.raises(UserError, match="whose optimizer Lightning steps"):
            module_checks.curve(subject)
        return
    curve = module_checks.curve(subject)
    assert len(curve.rates) > 20
    assert subject.rate > 0


@pytest.mark.slow
@pytest.mark.cold
def test_a_module_with_a_plateau_schedule_is_checked_without_validation(tmp_path: Path) -> None:
    words = (*outside.WORDS, *LIT, "trainer=cpu", f"hydra.run.dir={tmp_path / 'check'}")
    path = {"PYTHONPATH": str(runs.ROOT / "tests")}
    process = runs.start(runs.command(None, *words, script="check"), env=runs.environment() | path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found = json.loads((tmp_path / "check" / "check.json").read_text())
    assert {each["verdict"] for each in found} == {"pass"}
    assert "Loss over learning rate" in out  # though its configure_optimizers asks for the Trainer
    assert (tmp_path / "check" / "lr_range.csv").exists()
