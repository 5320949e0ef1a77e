"""The names that the config of a folder may contain."""

import inspect
import pkgutil
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from quintet.base import paths
from quintet.base.errors import UserError
from quintet.config import trust
from quintet.config.building_blocks import FAMILIES, ONE_BY_ONE
from quintet.config.signature import parameters
from quintet.config.trust import Trust, words

NOTHING = Trust()


def allowed(path, group="model", given=NOTHING):
    return given.allows(path, group, group)


@pytest.mark.parametrize("group", FAMILIES)
@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "builtins.eval",
        "pandas.read_pickle",
        "pathlib.Path.write_text",
        "joblib.load",
        "shutil.copyfile",
        "torch.load",
        "torch.hub.load",
        "torch.nn.modules.module.warnings.warn",
        "torch.nn.utils.parametrize.register_parametrization",
        "torch.nn.Linear.forward",
        "torch.nn.parallel.DistributedDataParallel",
        "torch.nn.Module.__init__",
        "torch.optim.lr_scheduler.warnings.warn",
        "torch.optim.swa_utils.AveragedModel",
        "torchmetrics.text.BERTScore",
        "torchmetrics.image.fid.FrechetInceptionDistance",
        "torchmetrics.utilities.plot.plot_confusion_matrix",
        "lightning.pytorch.callbacks.ModelCheckpoint",
        "lightning.pytorch.callbacks.OnExceptionCheckpoint",
        "lightning.pytorch.callbacks.LambdaCallback",
        "lightning.pytorch.loggers.CSVLogger",
        "lightning.pytorch.profilers.AdvancedProfiler",
        "lightning.pytorch.plugins.io.TorchCheckpointIO",
        "lightning.pytorch.cli.LightningCLI",
        "quintet.base.files.write_atomically",
        "quintet.artifacts.checkpoints.load",
        "quintet.data.sources.arrays.load",
        "quintet.data.sources.arrays.np.load",
        "quintet.data.sources.frames.read_frame",
        "quintet.data.sources.stream._load",
        "quintet.options.models.pretrained.load",
        "quintet.training.callbacks.metrics_file.write_atomically",
        "quintet.trackers.mlflow.MLflow",
        "quintet.trackers.os.system",
        "quintetx.evil",
        "torchvision.models.resnet18",
        "torch",
        "",
        ".os.system",
        "os..system",
        3,
        None,
        ["os.system"],
    ],
)
def test_code_that_nobody_vouches_for_is_not_named(path, group):
    with suppress(UserError):  # what cannot be found cannot be called either
        assert not allowed(path, group)


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("torch.nn.Linear", "model"),
        ("torch.nn.modules.linear.Linear", "model"),
        ("quintet.options.models.mlp.MLP", "model"),
        ("torch.nn.CrossEntropyLoss", "loss"),
        ("torchmetrics.AUROC", "metric"),
        ("torchmetrics.classification.MulticlassAccuracy", "metric"),
        ("quintet.options.metrics.accuracy", "metric"),
        ("torch.nn.init.kaiming_normal_", "init"),
        ("torch.optim.NAdam", "optimizer"),
        ("torch.optim.lr_scheduler.StepLR", "scheduler"),
        ("quintet.options.schedulers.one_cycle", "scheduler"),
        ("quintet.data.sources.tables.csv", "data"),
        ("lightning.pytorch.Trainer", "trainer"),
        ("quintet.training.callbacks.best.BestCheckpoint", "callbacks"),
    ],
)
def test_building_blocks_are_named_in_their_own_place_only(path, group):
    assert allowed(path, group)
    assert not any(allowed(path, other) for other in ("facts", "logger", "sweeper", "paths", ""))


def reach():
    """Yield all that the families offer, by every path that leads to it."""
    for group, families in FAMILIES.items():
        for family in families:
            for module in {*family.exports, *(m for home in family.homes for m in modules(home))}:
                for name, found in vars(import_module(module)).items():
                    path = f"{module}.{name}"
                    if family.offers(path) and callable(found) and family.has(found):
                        yield group, path, found


def modules(home):
    yield home
    found = getattr(import_module(home), "__path__", ())
    yield from (each.name for each in pkgutil.walk_packages(found, f"{home}."))


def test_no_building_block_takes_a_place_to_read_or_write():
    """But for the sources of data, which read, and callbacks, which write into the run's folder."""
    taken = {
        f"{group}.{name}"
        for group, _, found in reach()
        if inspect.isclass(found) or inspect.isfunction(found)
        for name, parameter in parameters(found).items()
        if {"path", "dir", "dirpath", "file", "filename", "folder", "url", "cache", "root", "f"}
        & {name, *name.split("_")}
        or parameter.annotation in (Path, "Path", "str | Path", "PathLike")
    }
    assert taken == {
        "callbacks.dirpath",
        "callbacks.filename",
        "callbacks.folder",
        "callbacks.path",
        "data.cache",
        "data.path",
        "data.test_path",
        "data.val_path",
    }


def test_every_option_of_the_engine_is_a_building_block():
    from omegaconf import OmegaConf

    from running import CONFIGS

    for group in FAMILIES:
        for path in sorted((CONFIGS / group).glob("*.yaml")):
            plain = OmegaConf.to_container(OmegaConf.load(path))
            for target in trust._values(plain, "_target_"):
                given = Trust.of(None)  # the team's own package
                assert allowed(target, group, given=given), (path.name, target)
            assert not words({group: plain})


@pytest.mark.parametrize("path", ["json.JSONDecoder", "json.decoder.JSONDecoder", "json.loads"])
def test_a_package_is_trusted_with_what_it_defines(path):
    assert not allowed(path)
    assert allowed(path, given=Trust.of(["json"]))
    assert not allowed("jsonx.loads", given=Trust.of(["json"]))


def test_one_function_is_trusted_alone():
    given = Trust.of("json.loads")
    assert allowed("json.loads", given=given)
    assert not allowed("json.dumps", given=given)


@pytest.fixture
def says(monkeypatch, tmp_path):
    """Let the project's pyproject.toml say something: `says('trusted = ["json"]')`."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SCRIPTS", tmp_path / "src")

    def say(text):
        (tmp_path / "pyproject.toml").write_text(f"[tool.quintet]\n{text}\n")
        forget()

    def forget():
        paths.settings.cache_clear()
        trust._own_packages.cache_clear()

    yield say
    forget()


def test_pyproject_says_what_is_trusted(says):
    says('trusted = ["json", "env:DATA"]')
    found = Trust.of(None)
    assert found.names == {"json"}
    assert found.variables == {"DATA"}


def test_pyproject_does_not_trust_every_folders_trackers(says):
    says('trusted = ["logger"]')
    assert not Trust.of(None).logger


@pytest.mark.parametrize("word", ["a b", "env:", "env:A-B", "", "http://x", "a..b", "*"])
def test_a_word_that_is_not_a_package_is_refused(word):
    with pytest.raises(UserError) as refused:
        Trust.of([word])
    assert (refused.value.key, refused.value.value) == ("trust", word)


def test_a_number_is_not_a_package():
    with pytest.raises(UserError) as refused:
        Trust.of(1)
    assert (refused.value.key, refused.value.value) == ("trust", 1)


def test_the_words_that_a_config_of_ones_own_needs():
    config = {
        "model": {"_target_": "timm.create_model", "head": [{"_target_": "torch.nn.Linear"}]},
        "data": {"_target_": "quintet.data.sources.tables.csv", "path": "${oc.env:DATA}/x.csv"},
        "metric": {"_target_": "torchmetrics.text.Perplexity"},
        "logger": {"x": {"key": "${oc.env:KEY}"}},
        "paths": {"root": "${oc.env:PROJECT_ROOT}"},
    }
    assert words(config) == ["env:DATA", "timm.create_model", "torchmetrics.text.Perplexity"]


def test_the_teams_own_packages_are_next_to_the_engine(says, tmp_path):
    (tmp_path / "src/other").mkdir(parents=True)
    (tmp_path / "src/other/__init__.py").touch()
    says('project = "acme"')
    assert Trust.of(None).names == {"acme", "other"}


def test_lightnings_parts_are_named_one_by_one():
    for group, parts in ONE_BY_ONE.items():
        assert all(allowed(part, group) for part in parts)
