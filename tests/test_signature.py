import pytest
import torch
import torchmetrics

from quintet.errors import UserError
from quintet.signature import check_arguments, locate


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.hub.load",
        "subprocess.run",
        "joblib.load",
        "pathlib.Path.write_text",
        "lightning.pytorch.cli.LightningCLI",
        "torchvision.models.resnet18",
        "quintetx.evil",
        "",
        3,
        None,
    ],
)
def test_a_target_that_is_not_trusted_is_not_imported(path):
    with pytest.raises(UserError, match="not trusted"):
        locate(path, "model")


@pytest.mark.parametrize(
    "path",
    [
        "torch.nn.modules.module.warnings.warn",
        "torch.optim.lr_scheduler.warnings.warn",
        "quintet.loggers.os.system",
        "quintet.data.arrays.np.load",
        "quintet.callbacks.metrics_file.write_atomically.__globals__",
        "quintet.data.preprocess.get_args",
        "quintet.files.write_atomically",
        "quintet.checkpoints.load",
    ],
)
def test_a_trusted_package_is_no_way_to_what_it_imports(path):
    with pytest.raises(UserError, match=r"not trusted|cannot be imported"):
        locate(path, "model")


def test_a_library_class_is_found():
    assert locate("torch.optim.Adam", "optimizer") is torch.optim.Adam


def test_a_method_of_a_class_is_found():
    assert locate("torch.nn.Linear.forward", "model") is torch.nn.Linear.forward


def test_the_nearest_class_is_named():
    with pytest.raises(UserError, match=r"torch\.optim has no 'AdamWW'.*'AdamW'"):
        locate("torch.optim.AdamWW", "optimizer")


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(UserError, match="cannot be imported"):
        locate("quintet.models.nowhere.Thing", "model")


def test_an_argument_that_is_not_taken_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"optimizer\.beta=.*'betas'"):
        check_arguments(torch.optim.Adam, {"beta": 1}, "optimizer")


@pytest.mark.parametrize("value", ["abc", "1e-3", [0.1], True and "yes"])
def test_a_wrong_type_is_refused(value):
    with pytest.raises(UserError, match=r"optimizer\.lr=.* is of type"):
        check_arguments(torch.optim.Adam, {"lr": value}, "optimizer")


@pytest.mark.parametrize(
    "arguments", [{"lr": 1}, {"lr": 0.1}, {"betas": [0.9, 0.99]}, {"foreach": None}]
)
def test_plain_yaml_values_are_taken(arguments):
    check_arguments(torch.optim.Adam, arguments, "optimizer")


def test_classes_built_by_new_are_checked():
    check_arguments(torchmetrics.Accuracy, {"task": "binary"}, "metric")
    with pytest.raises(UserError, match=r"metric\.num_classes"):
        check_arguments(torchmetrics.Accuracy, {"num_classes": "three"}, "metric")
