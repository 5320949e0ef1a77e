"""The classes and functions of the engine and of libraries that a folder's config may name.

No constructor here opens, writes or runs a path that its arguments name, with two exceptions: data
sources read files, and callbacks write to the run's own folder.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from quintet.config.signature import locate

ENGINE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Family:
    """Building blocks of one kind.

    Args:
        homes: modules whose classes belong to the family.
        base: path of their common base class.
        exports: modules that re-export them under shorter names.
        functions: whether functions defined there belong to the family as well.
        returns: if given, only functions annotated to return this class belong to it.

    """

    homes: tuple[str, ...]
    base: str = "builtins.type"
    exports: tuple[str, ...] = ()
    functions: bool = False
    returns: str | None = None

    def offers(self, path: str) -> bool:
        """Return whether a path is inside one of these modules, without importing it."""
        module = path.rpartition(".")[0]
        private = any(part.startswith("_") for part in path.split("."))
        return not private and (module in self.exports or is_in(module, self.homes))

    def has(self, found: Any) -> bool:
        """Return whether an imported object is defined here and belongs to the family."""
        if not is_in(home(found), self.homes) or "." in getattr(found, "__qualname__", "."):
            return False
        if inspect.isclass(found):
            return issubclass(found, locate(self.base, "base"))  # type: ignore[arg-type]
        if not self.functions or not inspect.isfunction(found):
            return False
        wanted = locate(self.returns, "returns") if self.returns else None
        return wanted is None or inspect.signature(found).return_annotation is wanted


MODULE, METRIC, CALLBACK = "torch.nn.Module", "torchmetrics.Metric", "lightning.pytorch.Callback"
SCORES = ("torchmetrics.classification", "torchmetrics.regression")
LAYERS = Family(("torch.nn.modules",), MODULE, exports=("torch.nn",))
FAMILIES = {
    "metric": (
        Family(SCORES, METRIC, exports=("torchmetrics",)),
        Family((f"{ENGINE}.options.metrics",), METRIC, functions=True),
    ),
    "loss": (LAYERS, Family((f"{ENGINE}.options.losses",), MODULE)),
    "init": (
        Family(("torch.nn.init",), functions=True),
        Family(
            (f"{ENGINE}.options.inits", f"{ENGINE}.options.mup"), "builtins.object", functions=True
        ),
    ),
    "optimizer": (
        Family(("torch.optim", f"{ENGINE}.options.muon"), "torch.optim.Optimizer"),
        Family(
            (
                "pytorch_optimizer.optimizer.lamb",
                "pytorch_optimizer.optimizer.lion",
                "schedulefree.adamw_schedulefree",
                "schedulefree.sgd_schedulefree",
            ),
            "torch.optim.Optimizer",
            exports=("pytorch_optimizer", "schedulefree"),
        ),
    ),
    "scheduler": (
        Family(
            ("torch.optim.lr_scheduler", f"{ENGINE}.options.schedulers"),
            "torch.optim.lr_scheduler.LRScheduler",
        ),
        Family((f"{ENGINE}.options.schedulers",), functions=True),
    ),
    "model": (LAYERS, Family((f"{ENGINE}.options.models",), MODULE)),
    "data": (
        Family(
            (f"{ENGINE}.data.sources",), functions=True, returns=f"{ENGINE}.data.samples.Samples"
        ),
        Family(
            tuple(
                f"{ENGINE}.data.sources.{n}" for n in ("text_files", "token_files", "two_targets")
            ),
            "lightning.pytorch.LightningDataModule",
        ),
    ),
    "trainer": (),
    "callbacks": (Family((f"{ENGINE}.training.callbacks",), CALLBACK),),
}
"""Families by the part of a config that may name them."""
FAMILIES["module"] = (
    Family((f"{ENGINE}.modules",), "lightning.pytorch.LightningModule"),
    *(f for part in ("model", "loss", "metric", "optimizer", "scheduler") for f in FAMILIES[part]),
)
ONE_BY_ONE = {
    "trainer": (
        "lightning.pytorch.Trainer",
        "lightning.pytorch.strategies.DDPStrategy",
        "lightning.pytorch.strategies.FSDPStrategy",
        "lightning.pytorch.strategies.ModelParallelStrategy",
        "lightning.pytorch.strategies.SingleDeviceStrategy",
    ),
    "callbacks": (
        "lightning.pytorch.callbacks.DeviceStatsMonitor",
        "lightning.pytorch.callbacks.EarlyStopping",
        "lightning.pytorch.callbacks.GradientAccumulationScheduler",
        "lightning.pytorch.callbacks.LearningRateMonitor",
        "lightning.pytorch.callbacks.ModelSummary",
        "lightning.pytorch.callbacks.StochasticWeightAveraging",
        "lightning.pytorch.callbacks.Timer",
    ),
}


def is_in(module: str, packages: Iterable[str]) -> bool:
    """Return whether a module is one of these packages or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def home(found: Any) -> str:
    """Return the module that defines an object, regardless of where it was imported from."""
    module = getattr(found, "__module__", None)
    return module if isinstance(module, str) else ""
