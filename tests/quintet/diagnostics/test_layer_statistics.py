from dataclasses import replace

import torch
from subjects import subject

from quintet.diagnostics import layer_statistics


def test_he_keeps_the_signal_of_a_deep_relu_net(tmp_path):
    deep = subject(tmp_path, "model.depth=30", "model.width=64", "init=he_normal")
    assert layer_statistics.signal(deep).verdict == "pass"
    assert layer_statistics.gradients(deep).verdict == "pass"


def test_a_deep_net_with_small_weights_fails(tmp_path):
    deep = subject(
        tmp_path, "model.depth=30", "model.width=64", "init=normal", "init.weight.std=0.01"
    )
    assert layer_statistics.signal(deep).verdict == "fail"
    assert layer_statistics.gradients(deep).verdict == "fail"


def test_statistics_follow_the_signal(digits):
    names = [layer.name for layer in layer_statistics.statistics(digits)]
    assert names == ["hidden.0", "hidden.1", "hidden.3", "hidden.4", "head"]
    assert all(layer.gradient > 0 for layer in layer_statistics.statistics(digits))


def test_a_parameter_out_of_the_gradients_reach_is_named(digits):
    def make():
        task = digits.make()
        task.model.spare = torch.nn.Linear(2, 2)
        return task

    found = layer_statistics.gradients(replace(digits, make=make))
    assert (found.verdict, "spare.weight" in found.seen) == ("warn", True)
