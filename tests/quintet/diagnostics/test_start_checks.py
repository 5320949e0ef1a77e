import math

import pytest
from subjects import subject, with_model
from torch import nn

from quintet.diagnostics import start_checks


@pytest.mark.parametrize(
    ("words", "theory"),
    [
        (("data=digits",), math.log(10)),
        (("data=breast_cancer", "loss=bce"), math.log(2)),
        (("data=digits_imbalanced", "loss=weighted_cross_entropy"), math.log(2)),
    ],
    ids=lambda value: str(value),
)
def test_a_sound_start_has_the_loss_of_theory(tmp_path, words, theory):
    found = start_checks.initial_loss(subject(tmp_path, *words))
    assert found.verdict == "pass"
    assert f"has {theory:.3f}" in found.seen


def test_he_on_every_layer_starts_too_high(tmp_path):
    found = start_checks.initial_loss(subject(tmp_path, "init.output_gain=1"))
    assert (found.verdict, "init.output_gain=0.1" in found.cure) == ("warn", True)


def test_large_outputs_fail(digits):
    class Loud(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return 100 * self.model(x)

    assert start_checks.initial_loss(with_model(digits, Loud)).verdict == "fail"


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(0.0, "fail"), (1e-6, "warn"), (1e-3, "pass"), (1e-2, "pass"), (5.0, "fail")],
)
def test_the_chosen_rate_is_judged(digits, rate, verdict):
    digits.rate, kept = rate, digits.rate
    found = start_checks.learning_rate(digits)
    digits.rate = kept
    assert found.verdict == verdict


def test_a_look_before_training_leaves_the_modes_as_they_were(digits):
    task = digits.make()
    task.model.hidden.eval()
    guess, initial = start_checks.losses_before(task, digits.data, 10)
    assert guess == pytest.approx(math.log(10))
    assert initial == pytest.approx(guess, rel=0.1)
    assert not task.model.hidden[0].training
    assert task.model.head.training


def test_an_init_made_for_another_activation_is_pointed_out(tmp_path, recwarn):
    found = start_checks.init(subject(tmp_path, "init=xavier_uniform"))
    assert (found.verdict, "init=he_uniform" in found.cure) == ("warn", True)
    assert not recwarn.list
