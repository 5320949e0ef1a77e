import pytest
from subjects import subject

from quintet.diagnostics.checks import CHECKS, findings
from quintet.diagnostics.finding import Finding
from usual import every


def test_the_default_setup_passes_every_check(digits):
    found = list(findings(digits))
    assert [f.verdict for f in found] == ["pass"] * len(CHECKS)
    assert not any(f.cure for f in found)


@pytest.mark.parametrize(
    "words",
    every(
        5,
        map(
            pytest.param,
            [
                ("data=diabetes", "model=tabular"),
                ("data=breast_cancer", "loss=bce", "model.depth=1"),
                ("data=sunspots", "model=gru", "optimizer=rmsprop"),
                ("data=digits_multilabel", "model=cnn"),
                ("data=unicode_names", "model=transformer"),
            ],
        ),
    ),
    ids=lambda words: words[0],
)
def test_a_sound_setup_of_every_kind_fails_nothing(tmp_path, words):
    found = list(findings(subject(tmp_path, *words)))
    assert not [f for f in found if f.verdict == "fail"]


def test_a_check_that_breaks_is_a_finding(digits, monkeypatch):
    def broken(_: object) -> Finding:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr("quintet.diagnostics.checks.CHECKS", (broken,))
    (found,) = findings(digits)
    assert found.verdict == "fail"
    assert found.seen == "RuntimeError: mat1 and mat2 shapes cannot be multiplied"
