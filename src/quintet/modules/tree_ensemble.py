"""Boosted trees as a network: tensors that describe the splits of each tree."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quintet.modules import sklearn_internals
from quintet.modules.sklearn_internals import CATEGORIES

NODES = {
    "feature": torch.int64,
    "threshold": torch.float64,
    "left": torch.int64,
    "right": torch.int64,
    "value": torch.float64,
    "missing_left": torch.bool,
    "category": torch.int64,
}
"""Tensors (trees, nodes); `category` is the row of `members` of a categorical node, else -1."""


class TreeEnsemble(nn.Module):
    """The sum of the leaves that a sample reaches, one per tree.

    Stored as tensors, the trees need no pickle and run in PyTorch and ONNX. A leaf is its own
    child, so every sample takes as many steps as the deepest tree has levels.

    Shapes: (N, F) -> (N, num_outputs), raw logits or values.

    Args:
        features: maps inputs to the columns that the trees split on.
        num_outputs: outputs per sample.

    """

    prior: Tensor
    shares: Tensor
    value: Tensor
    steps: Tensor
    members: Tensor

    def __init__(self, features: "TreeFeatures", num_outputs: int) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("prior", torch.zeros(num_outputs, dtype=torch.float64))
        self.register_buffer("shares", torch.zeros(0, num_outputs, dtype=torch.float64))
        self.register_buffer("steps", torch.zeros(0, dtype=torch.bool))  # its length counts
        self.register_buffer("members", torch.zeros(1, CATEGORIES, dtype=torch.bool))
        for name, dtype in NODES.items():
            self.register_buffer(name, torch.zeros(0, 1, dtype=dtype))

    def load_trees(self, prior: Tensor, models: Sequence[tuple[Any, Sequence[int]]]) -> None:
        """Copy the trees of fitted models.

        Args:
            prior: values of outputs that no model adds to, (num_outputs,).
            models: HistGradientBoosting models, each with the outputs that it adds to.

        """
        found, sets, outputs = list[np.ndarray](), [np.zeros((1, CATEGORIES), bool)], list[int]()
        known = 1
        self.prior.copy_(prior)
        for model, columns in models:
            self.prior[[*columns]] = torch.from_numpy(sklearn_internals.prior(model)).to(self.prior)
            for iteration in sklearn_internals.trees(model):
                for column, (nodes, left_sets) in zip(columns, iteration, strict=True):
                    nodes = nodes.copy()
                    nodes["bitset_idx"] += known
                    known += len(left_sets)
                    found.append(nodes)
                    sets.append(left_sets)
                    outputs.append(column)
        device = self.prior.device
        self.members = torch.from_numpy(np.concatenate(sets)).to(device)
        shares = nn.functional.one_hot(torch.tensor(outputs), len(self.prior))
        self.shares = shares.to(self.prior)  # which output each tree adds to
        depth = max((int(nodes["depth"].max()) for nodes in found), default=0)
        self.steps = torch.zeros(depth, dtype=torch.bool, device=device)
        for name, values in _padded(found).items():
            setattr(self, name, torch.from_numpy(values).to(device, NODES[name]))

    def resize(self, tensors: Mapping[str, Tensor]) -> None:
        """Resize the buffers to a checkpoint's tensors, by name, for any number of trees.

        Raises:
            ValueError: they are not trees; a sample would leave the arrays or loop for hours.

        """
        own = dict(self.named_buffers())
        if own.keys() <= tensors.keys():  # loading reports what is missing
            self._check({name: tensors[name] for name in own})
        for name in own.keys() & tensors.keys():
            if tensors[name].shape != own[name].shape:
                owner, _, last = name.rpartition(".")
                made = own[name].new_zeros(tensors[name].shape)
                setattr(self.get_submodule(owner), last, made)

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        sizes = self._sizes(tensors)
        for name, own in self.named_buffers():
            given = tensors[name]
            if tuple(given.shape) != sizes[name] or given.dtype != own.dtype:
                raise ValueError(f"{name} is {given.dtype} of shape {tuple(given.shape)}")
        nodes, (steps,) = sizes["value"][1], sizes["steps"]
        if 2 * steps >= nodes:  # each step has a node with two children
            raise ValueError(f"trees of {nodes} nodes take no {steps} steps")
        columns = self.features.columns + sum(sizes[name][1] for name in self._means)
        ends = {"feature": columns, "left": nodes, "right": nodes, "category": sizes["members"][0]}
        for name, end in ends.items():
            least = -1 if name == "category" else 0
            if not ((tensors[name] >= least) & (tensors[name] < end)).all():
                raise ValueError(f"{name} has an index outside {least} to {end - 1}")

    def _sizes(self, tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """Return the shapes that all tensors of these trees have."""
        (trees, nodes), (sets, _) = tensors["value"].shape, tensors["members"].shape
        found = {name: tuple(own.shape) for name, own in self.named_buffers()}
        found |= dict.fromkeys(NODES, (trees, nodes))
        found |= {"shares": (trees, len(self.prior)), "members": (sets, CATEGORIES)}
        found |= {"steps": (tensors["steps"].numel(),)}
        return found | {n: (found[n][0], *tensors[n].shape[1:]) for n in self._means}

    @property
    def _means(self) -> list[str]:
        return [f"features.means_{column}" for column in self.features.many]

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (N, F) to (N, num_outputs)."""
        columns = self.features(x)
        first = torch.arange(len(self.shares), device=x.device) * self.value.shape[1]
        node = first.expand(x.shape[0], -1)  # the root of each tree, as an index of all nodes
        for _ in range(len(self.steps)):
            value = columns.gather(1, self._of("feature", node))
            missing, category = value.isnan(), self._of("category", node)
            code = value.nan_to_num(0.0).clamp(0, CATEGORIES - 1).long()
            member = self.members.flatten()[category.clamp(min=0) * CATEGORIES + code]
            below = value <= self._of("threshold", node)
            # No torch.where on booleans, which ONNX Runtime lacks.
            left = (category >= 0) & member | (category < 0) & below
            left = missing & self._of("missing_left", node) | ~missing & left
            node = first + torch.where(left, self._of("left", node), self._of("right", node))
        leaves = self._of("value", node)
        return (self.prior + leaves @ self.shares).float()

    def _of(self, name: str, node: Tensor) -> Tensor:
        """Look up a property of nodes by their indices (N, trees)."""
        return self.get_buffer(name).flatten()[node]


class TreeFeatures(nn.Module):
    """The columns that trees split on: categories as codes seen in training, then numbers.

    Columns with more categories than a tree supports become means of the target, one for each
    class (Micci-Barreca 2001), cross-fitted in training; with several targets the first is used.
    Codes absent from training count as missing.

    Shapes: (N, F) -> (N, columns), float64.

    Args:
        numeric: number of leading numeric columns; for other inputs, of all their values.
        cardinalities: number of codes of each trailing categorical column.

    """

    def __init__(self, numeric: int, cardinalities: Sequence[int]) -> None:
        super().__init__()
        self.numeric = numeric
        places = [*enumerate(cardinalities, start=numeric)]
        self.few = [column for column, codes in places if codes < CATEGORIES]
        self.many = [column for column, codes in places if codes >= CATEGORIES]
        for column, codes in places:
            name = f"codes_{column}" if column in self.few else f"means_{column}"
            outputs = (codes,) if column in self.few else (codes, 1)
            self.register_buffer(name, torch.full(outputs, torch.nan, dtype=torch.float64))

    def fit(self, x: Tensor, y: np.ndarray, seed: int) -> np.ndarray:
        """Fit the codes and means to training rows `x` (N, F); return their columns."""
        for column in self.few:
            seen = torch.unique(x[:, column].long())
            codes = torch.full_like(self.get_buffer(f"codes_{column}"), torch.nan)
            codes[seen] = torch.arange(len(seen), dtype=codes.dtype, device=codes.device)
            setattr(self, f"codes_{column}", codes)
        crossed = [self._fit_means(column, x, y, seed) for column in self.many]
        plain = self(x).cpu().numpy()
        return np.concatenate([plain[:, : plain.shape[1] - self._means], *crossed], axis=1)

    def _fit_means(self, column: int, x: Tensor, y: np.ndarray, seed: int) -> np.ndarray:
        from sklearn.preprocessing import TargetEncoder

        encoder = TargetEncoder(random_state=seed)
        codes = x[:, [column]].cpu().numpy()
        crossed: np.ndarray = encoder.fit_transform(codes, y)
        size = self.get_buffer(f"means_{column}").shape[0]
        means = np.tile(np.atleast_1d(encoder.target_mean_), (size, 1))
        means[encoder.categories_[0].astype(int)] = np.stack(encoder.encodings_, axis=1)
        setattr(self, f"means_{column}", torch.from_numpy(means).to(x.device))
        return crossed

    @property
    def columns(self) -> int:
        """Number of columns without the means."""
        return self.numeric + len(self.few)

    @property
    def _means(self) -> int:
        return sum(self.get_buffer(f"means_{column}").shape[1] for column in self.many)

    def forward(self, x: Tensor) -> Tensor:
        """Turn inputs `x` (N, F) into columns."""
        if not (self.few or self.many):
            return x.flatten(1).double()
        parts = [self._looked_up("codes", column, x)[:, None] for column in self.few]
        parts.append(x[:, : self.numeric].double())
        parts += [self._looked_up("means", column, x) for column in self.many]
        return torch.cat(parts, dim=1)

    def _looked_up(self, kind: str, column: int, x: Tensor) -> Tensor:
        return self.get_buffer(f"{kind}_{column}")[x[:, column].long()]


def _padded(trees: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the nodes of all trees as arrays (trees, nodes) by the names of `NODES`."""
    most = max(map(len, trees), default=1)
    found = {name: np.zeros((len(trees), most)) for name in NODES}
    for row, nodes in enumerate(trees):
        own = slice(0, len(nodes))
        leaf, itself = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        found["feature"][row, own] = nodes["feature_idx"]
        found["threshold"][row, own] = nodes["num_threshold"]
        found["left"][row, own] = np.where(leaf, itself, nodes["left"])
        found["right"][row, own] = np.where(leaf, itself, nodes["right"])
        found["value"][row, own] = nodes["value"]
        found["missing_left"][row, own] = nodes["missing_go_to_left"]
        categorical = nodes["is_categorical"].astype(bool) & ~leaf
        found["category"][row, own] = np.where(categorical, nodes["bitset_idx"].astype(int), -1)
    return found
