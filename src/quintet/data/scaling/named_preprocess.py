"""Scaling of samples with several inputs: each according to its kind."""

from dataclasses import asdict
from typing import Any

from torch import Tensor

from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.data.named_inputs import Inputs, rows_of, split_row
from quintet.data.samples import NamedInput, Samples
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.scaling.statistic import Scale
from quintet.data.scaling.target_transform import TargetTransform

KEY = "inputs"
"""Key in a checkpoint that distinguishes it from that of a single input."""


class NamedPreprocess(Preprocess):
    """Scales every input in a row (N, F) as an input of its own kind.

    Args:
        inputs: of a row, in order.
        scale: as of `Preprocess`.
        select: not supported; see `Preprocess`.
        target_transform: as of `Preprocess`.

    """

    def __init__(
        self,
        inputs: Inputs,
        scale: Scale,
        select: float | None = None,
        target_transform: TargetTransform | None = None,
    ) -> None:
        super().__init__(scale, target_transform=target_transform)
        if select is not None:
            raise UserError(
                "selects columns of a single table, but these samples have several inputs",
                code=Code.INCOMPATIBLE,
                key="data.select",
                value=select,
                hint="Leave it out",
            )
        self.inputs = dict(inputs)
        self.parts = {name: Preprocess(scale) for name in inputs}

    def _fit_inputs(self, x: Tensor) -> None:
        for name, part in split_row(x, self.inputs).items():
            own = self.parts[name]
            own.kind = self.inputs[name].kind
            own.categorical = self.categorical if own.kind == "table" else 0
            if own.kind != "tokens":
                own._fit_inputs(part)

    def transform(self, x: Tensor) -> Tensor:
        """Return rows with scaled inputs, float32."""
        if (size := x.shape[1]) != (fitted := sum(each.size for each in self.inputs.values())):
            raise UserError(
                f"The inputs have {size} numbers, but there were {fitted} in training",
                code=Code.INCOMPATIBLE,
                value=size,
            )
        found = split_row(x, self.inputs)
        return rows_of({name: self.parts[name].transform(part) for name, part in found.items()})

    def restore(self, x: Tensor) -> Tensor:
        """Convert scaled rows back to their own units."""
        found = split_row(x, self.inputs)
        return rows_of({name: self.parts[name].restore(part) for name, part in found.items()})

    @property
    def codes(self) -> list[Tensor]:
        """The codes of each categorical column that training had."""
        return [codes for part in self.parts.values() for codes in part.codes]

    def state_dict(self) -> dict[str, Any]:
        """Return plain strings, numbers and tensors."""
        return {
            **super().state_dict(),
            KEY: {name: asdict(each) for name, each in self.inputs.items()},
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the state that `state_dict` returned, for the same inputs.

        Raises:
            UserError: it was written by another version.
            TypeError: a part of it has another type.

        """
        super().load_state_dict({**state, KEY: self.inputs, "parts": self.parts})
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])


def preprocess_of(samples: Samples, plain: Preprocess) -> Preprocess:
    """Return the preprocessing of samples: `plain`, or one for several inputs with its settings."""
    if not samples.inputs:
        return plain
    return NamedPreprocess(samples.inputs, plain.scale, plain.select, plain.target_transform)


def restored(state: dict[str, Any], plain: Preprocess) -> Preprocess:
    """Return the preprocessing described by a checkpoint's state, with that state."""
    found = plain
    if KEY in state:
        inputs = {str(name): schema.build(NamedInput, each) for name, each in state[KEY].items()}
        found = NamedPreprocess(inputs, plain.scale)
    found.load_state_dict(state)
    return found
