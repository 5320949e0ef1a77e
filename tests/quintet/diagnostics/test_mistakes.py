from dataclasses import replace

import torch
from subjects import subject, with_model
from torch import nn
from torch.nn import functional

from quintet.diagnostics import mistakes, start_checks


class Then(nn.Module):
    """The model, and something after it."""

    def __init__(self, model, then):
        super().__init__()
        self.model, self.then = model, then

    def forward(self, x):
        return self.then(self.model(x))


def with_task(subject, change):
    def make():
        task = subject.make()
        change(task)
        return task

    return replace(subject, make=make)


def test_softmax_before_cross_entropy_is_caught_with_its_floor(digits):
    planted = with_model(digits, lambda model: Then(model, nn.Softmax(dim=1)))
    found = mistakes.logits(planted)
    assert found.verdict == "fail"
    assert "1.4612" in found.seen
    assert start_checks.overfit(planted).verdict == "fail"


def test_sigmoid_before_bce_is_caught(tmp_path):
    labels = subject(tmp_path, "data=digits_multilabel")
    assert mistakes.logits(labels).verdict == "pass"
    assert mistakes.logits(with_model(labels, lambda m: Then(m, nn.Sigmoid()))).verdict == "fail"


def test_dropout_that_never_rests_is_caught(digits):
    planted = with_model(digits, lambda m: Then(m, lambda y: functional.dropout(y, 0.5)))
    found = mistakes.modes(planted)
    assert (found.verdict, "two outputs" in found.seen) == ("fail", True)


def test_a_layer_that_stays_in_training_mode_is_caught(digits):
    class Stuck(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(True)

    found = mistakes.modes(with_model(digits, lambda m: Then(m, Stuck(10))))
    assert (found.verdict, "eval() does not reach then" in found.seen) == ("fail", True)


def test_a_layer_that_stays_in_evaluation_mode_is_caught(digits):
    class Frozen(nn.Dropout):
        def train(self, mode=True):
            return super().train(False)

    found = mistakes.modes(with_model(digits, lambda m: Then(m, Frozen())))
    assert (found.verdict, "train() does not reach then" in found.seen) == ("fail", True)


def test_gradients_that_are_never_cleared_are_caught(digits):
    def forget(task):
        task.optimizer_zero_grad = lambda *_: None

    assert mistakes.cleared_gradients(with_task(digits, forget)).verdict == "fail"


def test_parameters_missing_from_the_optimizer_are_caught(digits):
    def only_head(task):
        whole = task.optimizer
        task.optimizer = lambda model: whole(model.head)

    found = mistakes.optimized(with_task(digits, only_head))
    assert found.verdict == "fail"
    assert "lacks 4 parameters: hidden.0.weight" in found.seen


def test_layers_in_a_plain_list_are_caught(digits):
    class Listed(Then):
        def __init__(self, model, then):
            super().__init__(model, then)
            self.more = [nn.Linear(10, 10)]

    found = mistakes.optimized(with_model(digits, lambda m: Listed(m, nn.Identity())))
    assert (found.verdict, "more keeps parameters in a list" in found.seen) == ("fail", True)


def test_an_output_that_ignores_its_input_is_caught(digits):
    class Blind(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(torch.zeros_like(x))

    assert mistakes.uses_input(with_model(digits, Blind)).verdict == "fail"
    assert mistakes.uses_input(digits).verdict == "pass"
