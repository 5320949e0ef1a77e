"""Adapts any LightningDataModule to an experiment: facts, sizes and number of steps."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Protocol, cast

import lightning.pytorch as L
from lightning.pytorch.utilities import CombinedLoader
from lightning.pytorch.utilities.model_helpers import is_overridden
from lightning.pytorch.utilities.seed import isolate_rng
from torch import Tensor
from torch.utils.data import DataLoader

from quintet.base.errors import Code, UserError
from quintet.data.data_summary import ColumnSummary
from quintet.data.lightning_loaders import shareable
from quintet.data.samples import Facts, Kind, Task
from quintet.data.scaling.target_transform import TargetTransform


@dataclass(frozen=True)
class StatedFacts:
    """The facts that a LightningDataModule states about its data; see `Facts` for their meaning."""

    task: Task | None = None
    kind: Kind | None = None
    input_shape: list[int] | None = None
    num_classes: int | None = None
    num_targets: int | None = None
    class_counts: list[int] | None = None
    class_names: list[str] = field(default_factory=list)
    cardinalities: list[int] = field(default_factory=list)
    vocabulary: int | None = None
    train_size: int | None = None
    val_size: int | None = None
    test_size: int | None = None
    fingerprint: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)
    """All other facts, for `${facts.other.<name>}`."""


LOADERS = {"train": "train_dataloader", "val": "val_dataloader", "test": "test_dataloader"}


class ExperimentData(Protocol):
    """The interface of data for an experiment."""

    data_summary: list[str]
    """What was inferred about it, one sentence each, shown to the user."""
    columns: list[ColumnSummary]
    """How each column of a table was interpreted."""
    ordered: bool
    """Whether samples follow each other in time."""

    @property
    def datamodule(self) -> L.LightningDataModule:
        """The argument for a Trainer."""

    @property
    def target_centre(self) -> Sequence[float] | Tensor:
        """Centre of a regression's standardised scale, one per target."""

    @property
    def target_width(self) -> Sequence[float] | Tensor:
        """Width of that scale, in units of the target."""

    @property
    def target_transform(self) -> TargetTransform | None:
        """The transform of targets before they are scaled."""

    def attach(self, trainer: L.Trainer) -> None:
        """Attach the Trainer, which knows devices and processes."""

    def load(self) -> Facts | StatedFacts:
        """Read the data; return its facts."""

    def steps(self, world_size: int) -> int | None:
        """Return the batches of a training epoch on each process; None if that is not known."""

    def validation_steps(self, world_size: int) -> int | None:
        """Return the batches of a validation epoch on each process; None if that is not known."""


class LightningData:
    """A LightningDataModule that is independent of this project.

    Lightning calls `prepare_data` and `setup` again for training, validation and test. Here they
    run once per stage, seeded with the run's seed: a random split made in `setup` is the same in
    all stages, in a resumed run and in `evaluate.py`.

    Facts come from the attribute `facts`, a mapping or a dataclass, if there is one. Sizes are
    counted if data sets have a length.

    Args:
        datamodule: the module, as constructed.
        seed: seed of its random draws.

    """

    def __init__(self, datamodule: L.LightningDataModule, seed: int) -> None:
        self._datamodule = datamodule
        self.data_summary: list[str] = []
        self.columns: list[ColumnSummary] = []
        self.ordered = False
        self._loaders: dict[str, Any] = {}
        for hook in ("prepare_data", "setup"):
            setattr(datamodule, hook, _once_a_stage(getattr(datamodule, hook), seed))
        for hook in LOADERS.values():
            setattr(datamodule, hook, _shareable(getattr(datamodule, hook), datamodule))

    @property
    def datamodule(self) -> L.LightningDataModule:
        """The module itself."""
        return self._datamodule

    @property
    def target_centre(self) -> Sequence[float]:
        """Centre of a regression's scale: 0, as targets are not scaled."""
        return [0.0]

    @property
    def target_width(self) -> Sequence[float]:
        """Width of that scale."""
        return [1.0]

    @property
    def target_transform(self) -> None:
        """No transform is applied to targets."""

    def attach(self, trainer: L.Trainer) -> None:
        """Attach the Trainer, as Lightning does before `setup`."""
        self.datamodule.trainer = trainer

    def load(self) -> StatedFacts:
        """Prepare and set up all stages; return the facts.

        Raises:
            UserError: there is no training or validation data, or a fact is invalid.

        """
        self.datamodule.prepare_data()
        for stage in ("fit", "test"):
            self.datamodule.setup(stage)
        for split in ("train", "val"):
            if not self._has(split):
                raise UserError(
                    f"has no {LOADERS[split]}: a run trains on one part and is measured on another",
                    code=Code.DATA,
                    key="data",
                    value=self._name,
                    hint=f"Define {LOADERS[split]} in the LightningDataModule. If it is in the "
                    "LightningModule, move it: there the module is self.trainer.lightning_module.",
                )
        sizes = {f"{split}_size": self._size(split) for split in LOADERS}
        return _facts(getattr(self.datamodule, "facts", None), sizes, self._name)

    def steps(self, world_size: int) -> int | None:
        """Return the batches of a training epoch on each of `world_size` processes, if counted."""
        return _batches(self._loader("train"), "max_size_cycle", world_size)

    def validation_steps(self, world_size: int) -> int | None:
        """Return the batches of a validation epoch on each of `world_size` processes, likewise."""
        return _batches(self._loader("val"), "sequential", world_size)

    @property
    def _name(self) -> str:
        return type(self.datamodule).__name__

    def _has(self, split: str) -> bool:
        return is_overridden(LOADERS[split], self.datamodule, L.LightningDataModule)

    def _loader(self, split: str) -> Any:
        """Return a split's loaders, which are created once to be counted."""
        if split not in self._loaders:
            with isolate_rng():
                self._loaders[split] = getattr(self.datamodule, LOADERS[split])()
        return self._loaders[split]

    def _size(self, split: str) -> int | None:
        """Return the size of a split: 0 if it is absent, None if it has no length."""
        if not self._has(split):
            return 0
        sets = [getattr(loader, "dataset", loader) for loader in each_loader(self._loader(split))]
        try:
            return sum(map(len, sets))
        except TypeError:
            return None


def _once_a_stage(hook: Callable[..., None], seed: int) -> Callable[..., None]:
    done: set[object] = set()

    @functools.wraps(hook)
    def run(*stage: Any, **named: Any) -> None:
        key = str([*stage, *named.values()])
        if key in done:
            return
        with isolate_rng():
            L.seed_everything(seed, workers=True, verbose=False)
            hook(*stage, **named)
        done.add(key)

    return run


def _shareable(hook: Callable[[], Any], datamodule: L.LightningDataModule) -> Callable[[], Any]:
    @functools.wraps(hook)
    def made() -> Any:
        several = datamodule.trainer is not None and datamodule.trainer.world_size > 1
        return shareable(hook()) if several else hook()

    return made


def each_loader(loaders: Any) -> Iterator[Any]:
    """Yield the loaders of any nesting that Lightning accepts."""
    if isinstance(loaders, CombinedLoader):
        yield from loaders.flattened
    elif isinstance(loaders, Mapping | list | tuple):
        yield from CombinedLoader(loaders).flattened
    else:
        yield loaders


def _batches(loaders: Any, mode: Any, world_size: int) -> int | None:
    """Return the number of batches per process of some loaders; None if one has no length."""
    try:
        counts = [_shared(loader, world_size) for loader in each_loader(loaders)]
    except TypeError:
        return None
    mode = getattr(loaders, "_mode", mode)
    if mode == "sequential":
        return sum(counts)
    return min(counts, default=0) if mode == "min_size" else max(counts, default=0)


def _shared(loader: Any, world_size: int) -> int:
    """Return the number of batches per process of a loader whose samples are distributed."""
    if world_size == 1 or not isinstance(loader, DataLoader) or not loader.batch_size:
        return math.ceil(len(loader) / world_size)
    own = math.ceil(len(cast(Any, loader.dataset)) / world_size)
    whole = own // loader.batch_size
    return whole if loader.drop_last else math.ceil(own / loader.batch_size)


def _facts(given: Any, sizes: dict[str, int | None], name: str) -> StatedFacts:
    """Return the facts in a mapping or a dataclass, with sizes added if they are missing."""
    stated = asdict(given) if is_dataclass(given) and not isinstance(given, type) else given
    if stated is None:
        stated = {}
    if not isinstance(stated, Mapping):
        raise UserError(
            f"{name}.facts is a {type(given).__name__}",
            code=Code.WRONG_TYPE,
            allowed=["a mapping", "a dataclass"],
        )
    known = {each.name for each in fields(StatedFacts)} - {"other"}
    own = {str(key): value for key, value in stated.items()}
    return StatedFacts(
        **sizes | {key: value for key, value in own.items() if key in known},
        other={key: value for key, value in own.items() if key not in known},
    )
