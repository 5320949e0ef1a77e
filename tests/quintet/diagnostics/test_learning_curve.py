import pytest
from subjects import composed

from quintet.base.errors import Code
from quintet.commands.learning_curve import measure
from refusals import Refusal


def test_more_digits_are_told_apart_better(tmp_path, capsys):
    words = ("trainer=cpu", "model.width=32", "trainer.max_epochs=6", "optimizer.lr=0.01")
    cfg = composed(tmp_path, *words, "fractions=[0.05,0.2,1.0]", config="learning_curve")
    growth = measure(cfg)
    rows = (tmp_path / "learning_curve.csv").read_text().splitlines()
    assert rows[0] == "fraction,samples,accuracy"
    assert [row.split(",")[1] for row in rows[1:]] == ["63", "251", "1257"]
    assert growth.at(1257) > growth.at(63) + 0.05
    assert "Twice the training data, 2,514 samples" in capsys.readouterr().out
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("fractions", ["[0.5,1.0]", "[0,0.5,1]", "[0.5,1,1.5]", "0.5", "[a,b,c]"])
def test_fractions_that_give_no_curve_are_refused(tmp_path, fractions):
    cfg = composed(tmp_path, f"fractions={fractions}", config="learning_curve")
    with Refusal(Code.OUT_OF_RANGE, "fractions"):
        measure(cfg)
