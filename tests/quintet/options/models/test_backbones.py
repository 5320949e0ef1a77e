"""Models of timm and torchvision by their `_target_`, where these packages can be imported."""

from pathlib import Path

import pytest

import runs

QUIET = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "report=false")
SHORT = ("trainer.limit_train_batches=3", "callbacks.progress=null")
MODELS = {
    "timm": ("timm.create_model", "model_name: resnet10t\nin_chans: 1\npretrained: false"),
    "torchvision": ("torchvision.models.resnet18", "weights: null"),
}
"""Backbones that load nothing: their names and arguments beside the number of classes."""


def importable(package: str) -> None:
    """Skip the test where a package is missing, or is built for another torch."""
    try:
        __import__(package)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{package} cannot be imported: {error}")


@pytest.mark.parametrize("package", MODELS)
def test_a_backbone_is_trained_by_its_target_alone(package: str, tmp_path: Path) -> None:
    """On images of three channels for torchvision's, whose first layer takes no other."""
    importable(package)
    target, arguments = MODELS[package]
    option = tmp_path / "configs" / "model" / "backbone.yaml"
    option.parent.mkdir(parents=True)
    option.write_text(f"_target_: {target}\n{arguments}\nnum_classes: ${{loss.num_outputs}}\n")
    data = ("data=digits",) if package == "timm" else _in_colour(tmp_path)
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.logs={tmp_path}", f"trust={package}")
    search = f"hydra.searchpath=[file://{tmp_path / 'configs'}]"
    runs.train(None, search, "model=backbone", *data, *QUIET, *SHORT, *place)
    record = runs.record(tmp_path / "run")
    assert record["status"] == "completed"
    assert record["parameters"] > 1_000_000
    assert {*record["test"]} == {"accuracy", "loss"}


def _in_colour(folder: Path) -> tuple[str, ...]:
    """Write a few digits in colour; return the words that read them."""
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits(n_class=3)
    images = np.repeat(bunch.images[:120, None], 3, axis=1).astype("float32") / 16
    np.savez(folder / "colour.npz", x=images, y=bunch.target[:120])
    return ("data=arrays", f"data.path={folder / 'colour.npz'}", "data.batch_size=16")


def test_weights_of_a_local_file_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """As `timm.create_model(pretrained=True)` does from its cache; only the new head is drawn."""
    importable("timm")
    import timm
    import torch

    old = timm.create_model("resnet10t", in_chans=1, num_classes=7)
    torch.save(old.state_dict(), tmp_path / "weights.pth")
    option = tmp_path / "configs" / "model" / "backbone.yaml"
    option.parent.mkdir(parents=True)
    option.write_text(
        "_target_: timm.create_model\nmodel_name: resnet10t\nin_chans: 1\npretrained: true\n"
        f"pretrained_cfg_overlay: {{file: '{tmp_path / 'weights.pth'}', num_classes: 7, "
        "first_conv: null}\nnum_classes: ${loss.num_outputs}\n"
    )
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.logs={tmp_path}", "trust=timm")
    search = f"hydra.searchpath=[file://{tmp_path / 'configs'}]"
    runs.train(None, search, "model=backbone", "data=digits", *QUIET, *SHORT, *place)
    shown = capsys.readouterr().out
    assert "init" in shown
    found = runs.record(tmp_path / "run")["transfer"]
    assert found
