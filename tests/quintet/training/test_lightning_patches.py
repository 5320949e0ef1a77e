"""Optimisations of a step must not change its result."""

import inspect
from copy import deepcopy
from pathlib import Path

import lightning.pytorch as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.fabric.utilities import registry
from lightning.pytorch.callbacks import LambdaCallback
from torch import nn

from quintet.artifacts import checkpoints
from quintet.config.instantiate import instantiate
from quintet.modules.supervised import weights_of
from quintet.training import build, experiment, lightning_patches
from quintet.training.lightning_patches import EACH_STEP, RESTORES, without_empty_hooks

CONFIGS = Path(__file__).parents[3] / "configs"


class Counter(L.Callback):
    count = 0

    def on_train_batch_end(self, *arguments):
        self.count += 1


def test_the_hooks_that_are_named_exist():
    assert all(callable(getattr(L.Callback, name)) for name in EACH_STEP)
    assert all(callable(getattr(L.LightningModule, name)) for name in EACH_STEP)


def test_a_filled_hook_stays_and_empty_ones_go():
    callback = without_empty_hooks(Counter())
    assert callable(callback.on_train_batch_end)
    assert not any(callable(getattr(callback, n)) for n in EACH_STEP if n != "on_train_batch_end")


def test_other_packages_are_asked_once_for_their_callbacks(monkeypatch):
    asked = []
    monkeypatch.setattr(registry, "entry_points", lambda **group: asked.append(group) or ())
    lightning_patches.find_plugins_once()
    for _ in range(2):
        lightning_patches.find_plugins_once()
        L.Trainer(accelerator="cpu", logger=False)
    groups = [each["group"] for each in asked]
    assert groups, "Lightning finds them in another way"
    assert len(groups) == len(set(groups))


def test_a_hook_given_to_one_object_stays():
    callback = without_empty_hooks(LambdaCallback(on_before_zero_grad=print))
    assert callback.on_before_zero_grad is print


@pytest.mark.parametrize("optimizer", ["adam", "sgd_momentum"])
def test_training_equals_a_hand_written_loop_bit_for_bit(optimizer, tmp_path, monkeypatch):
    seen = {}

    def noted(cfg, data, network):
        seen.update(cfg=cfg, data=data, network=deepcopy(network))
        return make(cfg, data, network)

    make = build.task
    monkeypatch.setattr(build, "task", noted)
    options = ["scheduler=constant", "model.dropout=0", "trainer.max_epochs=2"]
    paths = [f"paths.root={tmp_path}", f"paths.run={tmp_path}"]
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("train", [f"optimizer={optimizer}", *options, *paths])
    experiment.run(cfg)
    saved = weights_of(checkpoints.load(tmp_path / "checkpoints" / "last.ckpt"))
    by_hand = trained_by_hand(**seen).state_dict()
    assert all(torch.equal(saved[name], by_hand[name]) for name in by_hand)


def trained_by_hand(cfg, data, network):
    optimizer = instantiate(cfg.optimizer, "optimizer")(network.parameters())
    loader, criterion = data.train_dataloader(), nn.CrossEntropyLoss()
    for epoch in range(2):
        loader.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            criterion(network(x), y).backward()
            optimizer.step()
    return network


def test_the_private_parts_of_lightning_are_still_there():
    """A missing one says what to fix: see the docstring of `lightning_patches`."""
    from lightning.fabric.strategies.launchers import subprocess_script as fabric
    from lightning.pytorch.callbacks import WeightAveraging
    from lightning.pytorch.strategies.launchers import subprocess_script as pytorch

    takes = list(inspect.signature(fabric._hydra_subprocess_cmd).parameters)
    assert takes == ["local_rank"], "the command of a rank: `launch_command`"
    for name in ("_launch_process_observer", "_hydra_subprocess_cmd"):
        used = inspect.getsource(pytorch._SubprocessScriptLauncher)
        assert callable(getattr(pytorch, name)), f"{name} has moved: `replace_launcher`"
        assert f"{name}(" in used, f"the launcher calls {name} no more: `replace_launcher`"
    restores = inspect.getsource(L.Trainer._run)
    for name in RESTORES:
        assert f"_checkpoint_connector.{name}(" in restores, f"{name}: `name_checkpoint`"
    assert "_average_model" in vars(WeightAveraging(use_buffers=False)), "the average: `SWA`"
    assert "_current_fx_name" in vars(L.LightningModule()), "the hook: `SupervisedModule`"


def test_all_that_configure_optimizers_may_return_is_read():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    entry = {"scheduler": schedule, "interval": "step"}
    for made, schedules in (
        (optimizer, []),
        ([optimizer], []),
        (([optimizer], [schedule]), [schedule]),
        ({"optimizer": optimizer, "lr_scheduler": schedule}, [schedule]),
        ([{"optimizer": optimizer, "lr_scheduler": entry}], [entry]),
        (
            {"optimizer": optimizer, "lr_scheduler": schedule, "monitor": "val/x"},
            [{"monitor": "val/x", "scheduler": schedule}],
        ),
    ):
        assert lightning_patches.optimizers_and_schedules(made) == ([optimizer], schedules)


def test_the_fetcher_of_training_batches_is_where_it_was():
    trainer = L.Trainer(logger=False, enable_checkpointing=False, barebones=True)
    assert trainer.fit_loop._data_fetcher is None
    lightning_patches.restart_batches(trainer)
