import json

import pytest
import torch
import torchmetrics

from quintet.base.errors import Code, UserError
from quintet.config.signature import check_arguments, check_positional, locate
from refusals import Refusal


@pytest.mark.parametrize("path", ["", "print", ".os", "os..mkdir", "os.mkdir()", 3, None, ["a.b"]])
def test_what_is_not_a_path_is_refused(path):
    with pytest.raises(UserError) as refused:
        locate(path, "model")
    error = refused.value
    assert (error.code, error.key, error.value) == (Code.WRONG_TYPE, "model._target_", path)


def test_one_may_name_any_class_oneself():
    assert locate("json.JSONDecoder", "model") is json.JSONDecoder
    assert locate("collections.OrderedDict.fromkeys", "model")


def test_what_is_written_in_c_takes_anything():
    check_arguments(dict, {"a": 1}, "model")
    check_arguments(type, {"a": 1}, "model")


def test_a_library_class_is_found():
    assert locate("torch.optim.Adam", "optimizer") is torch.optim.Adam


def test_a_method_of_a_class_is_found():
    assert locate("torch.nn.Linear.forward", "model") is torch.nn.Linear.forward


def test_the_nearest_class_is_named():
    with Refusal(Code.UNKNOWN_NAME, "optimizer._target_", "torch.optim.AdamWW"):
        locate("torch.optim.AdamWW", "optimizer")


def test_a_module_that_is_not_there_is_named():
    with Refusal(Code.UNKNOWN_NAME, "model._target_", "quintet.options.models.nowhere.Thing"):
        locate("quintet.options.models.nowhere.Thing", "model")


def test_an_argument_that_is_not_taken_is_refused_with_the_nearest():
    with Refusal(Code.UNKNOWN_NAME, "optimizer.beta"):
        check_arguments(torch.optim.Adam, {"beta": 1}, "optimizer")


@pytest.mark.parametrize("value", ["abc", "1e-3", [0.1], True and "yes"])
def test_a_wrong_type_is_refused(value):
    with pytest.raises(UserError) as refused:
        check_arguments(torch.optim.Adam, {"lr": value}, "optimizer")
    error = refused.value
    assert (error.code, error.key, error.value) == (Code.WRONG_TYPE, "optimizer.lr", value)


@pytest.mark.parametrize(
    "arguments", [{"lr": 1}, {"lr": 0.1}, {"betas": [0.9, 0.99]}, {"foreach": None}]
)
def test_plain_yaml_values_are_taken(arguments):
    check_arguments(torch.optim.Adam, arguments, "optimizer")


def test_classes_built_by_new_are_checked():
    check_arguments(torchmetrics.Accuracy, {"task": "binary"}, "metric")
    with pytest.raises(UserError) as refused:
        check_arguments(torchmetrics.Accuracy, {"num_classes": "three"}, "metric")
    assert refused.value.key == "metric.num_classes"


def layer(width: int, depth: int = 1, *, bias: bool = True):
    """Take two arguments by position."""


@pytest.mark.parametrize(
    ("values", "named", "code"),
    [
        (["a"], (), Code.WRONG_TYPE),
        ([1, 2, 3], (), Code.OUT_OF_RANGE),
        ([1], ("width",), Code.CONFLICT),
    ],
)
def test_arguments_by_position_are_checked_like_those_by_name(values, named, code):
    with pytest.raises(UserError) as refused:
        check_positional(layer, values, named, "model._args_")
    assert refused.value.code is code
    assert refused.value.key.startswith("model._args_")


def test_any_number_of_arguments_is_taken_where_a_class_takes_it():
    check_positional(torch.nn.Sequential, [{}, {}, {}], (), "model._args_")
    check_positional(dict, [1, 2], (), "model._args_")
