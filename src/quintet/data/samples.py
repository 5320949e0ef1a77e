"""The samples that a data source returns, and the facts from which everything else is built."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from torch import Tensor

from quintet.data.data_summary import ColumnSummary
from quintet.problems import Task

__all__ = ["Facts", "Kind", "NamedInput", "Rows", "Samples", "Task"]

Kind = Literal["table", "image", "sequence", "tokens"]


class Rows(Protocol):
    """Inputs on disk, read as they are needed."""

    def __len__(self) -> int: ...

    def read(self, index: Tensor) -> Tensor:
        """Return the inputs of the samples in `index`, in the shapes of `Samples.x`."""


@dataclass(frozen=True)
class NamedInput:
    """One of several inputs of a sample.

    Args:
        kind: table, image, sequence or tokens.
        shape: without the dimension of samples, as `Samples.x` has it for this kind.
        vocabulary: number of token ids; 0 for other kinds.

    """

    kind: Kind
    shape: list[int]
    vocabulary: int = 0

    @property
    def size(self) -> int:
        """Numbers per sample."""
        return math.prod(self.shape)


@dataclass
class Samples:
    """All samples of a data set, before splitting and scaling.

    Shapes, by `kind` (N samples):

    - table: x float32 (N, F); numeric columns first (NaN where missing), then one column per
      categorical feature holding integer codes, 0 for a missing or unknown category
    - image: x float32 (N, C, H, W)
    - sequence: x float32 (N, T, F)
    - tokens: x int64 (N, T), 0 is padding and 1 is an unknown token

    Targets, by `task`: int64 (N,) class indices for binary and multiclass, float32 (N, L) zeros
    and ones for multilabel, float32 (N, K) for regression, float64 if that would blur
    differences.
    """

    x: Tensor
    y: Tensor
    task: Task
    kind: Kind
    class_names: list[str] = field(default_factory=list)
    """Names of the classes or labels, or of the target columns of a regression."""
    cardinalities: list[int] = field(default_factory=list)
    """Number of codes (the unknown 0 included) of each trailing categorical column."""
    vocabulary: int = 0
    """Number of token ids, padding and unknown included; 0 unless kind is tokens."""
    ordered: bool = False
    """True for a time series: splits are contiguous, train before validation before test."""
    purge: int = 0
    """Samples to leave out between two contiguous splits so that no target is shared."""
    groups: Tensor | None = None
    """Group of each sample, int64 (N,): a group never straddles two splits."""
    split: Tensor | None = None
    """Part that the data assigns to each sample, int64 (N,): 0 training, 1 validation, 2 test."""
    rows: Rows | None = None
    """Inputs that do not fit in memory; x then has no samples, only their shape and type."""
    file_rows: Tensor | None = None
    """Row of each sample in its file, int64 (N,), from 1 after the header; for tables only."""
    data_summary: list[str] = field(default_factory=list)
    """What was inferred about the data, one sentence each, shown to the user."""
    columns: list[ColumnSummary] = field(default_factory=list)
    """How each column of a table was interpreted, in the order of the file."""
    inputs: Mapping[str, NamedInput] = field(default_factory=dict)
    """Descriptions of several inputs, which x holds side by side (kind table)."""
    reader: dict[str, Any] = field(default_factory=dict)
    """Plain data from which a new file is read the same way (columns, categories, vocabulary)."""


@dataclass(frozen=True)
class Facts:
    """The facts about the data available to the rest of the experiment, as the config's `facts`."""

    task: Task
    kind: Kind
    input_shape: list[int]
    """Shape of one sample, without the batch dimension."""
    num_classes: int
    """Classes of a binary or multiclass task, else 0."""
    num_targets: int
    """Number of labels (multilabel) or values (regression) per target, else 1."""
    class_counts: list[int]
    """Training samples per class, or positives per label; empty for regression."""
    class_names: list[str]
    cardinalities: list[int]
    vocabulary: int
    train_size: int
    val_size: int
    test_size: int
    fingerprint: str
    """SHA-256 (first 16 hex digits) over all samples and targets, before the split."""
    inputs: dict[str, NamedInput] = field(default_factory=dict)
    """Descriptions of several inputs; a model takes `${facts.inputs}` as a whole."""
