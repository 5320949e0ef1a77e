"""Maximal update parametrization (muP): the best learning rate no longer depends on the width.

Yang et al., 2022, "Tensor Programs V: tuning large neural networks via zero-shot hyperparameter
transfer", table 3. That table scales outputs by the initial weights and the rate of the last layer.
Table 8, which multiplies outputs in the forward pass, trains the same function (lemma J.1), but
would make a trained model depend on how it was trained.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Size, nn

from quintet.base.errors import Code, UserError
from quintet.options.inits import Init
from quintet.options.optimizers import set_rate_factors
from quintet.options.torch_internals import Convolution, TransposedConvolution

ENTRYWISE = frozenset(
    {
        *(f"torch.optim.{name}" for name in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")),
        *(f"torch.optim.{name}" for name in ("RMSprop", "Adagrad")),
        "pytorch_optimizer.Lion",
        "schedulefree.AdamWScheduleFree",
    }
)
"""Optimizers whose updates do not depend on the size of gradients: the rule of Adam ..."""
PROPORTIONAL = frozenset({"torch.optim.SGD", "schedulefree.SGDScheduleFree"})
"""... and those whose updates are proportional to gradients: the rule of SGD."""
MATRICES = (nn.Linear, nn.modules.linear.NonDynamicallyQuantizableLinear)
"""Layers whose weight is (outputs, inputs); not their subclasses, which may compute otherwise."""


@runtime_checkable
class RelativeInit(Protocol):
    """An init that depends on the sizes of a base model."""

    base_width: int | Sequence[int] | None

    def relative_to(self, base: nn.Module) -> Self:
        """Return the init relative to a model that differs in its sizes only."""


@dataclass(frozen=True)
class WidthGrowth:
    """How many times as large as in the base model a parameter is.

    Args:
        fan_in: factor of its inputs.
        fan_out: factor of its outputs.
        multiplier: of its outputs, which is moved into its weights and its rate (lemma J.1).

    """

    fan_in: float = 1.0
    fan_out: float = 1.0
    multiplier: float = 1.0

    def spread(self) -> float:
        """Return the factor on the initial weights: 1 / fan-in for outputs, else its root.

        The init has already divided by the root of the fan-in.
        """
        of_outputs = self.fan_out == 1
        return self.multiplier * (self.fan_in**-0.5 if of_outputs else 1.0)

    def rate(self, entrywise: bool) -> float:
        """Return the factor on the learning rate, for the rule of Adam or that of SGD."""
        if entrywise:
            return self.multiplier / self.fan_in
        return self.multiplier**2 * self.fan_out / self.fan_in


class MuP(Init):
    """He init, scaled such that layers' outputs change equally fast at every width.

    Relative to a base model of another width, initial weights of the last layer are smaller, and
    so are learning rates of hidden matrices, by the rules for the optimizer. At the base width all
    is as with `init=he_normal`. Where attention heads grow, logits are divided by their size
    instead of its root (section 4 of the paper). The product of learning rate and weight decay is
    that of the base model.

    Args:
        activation: name of the model's activation, see `models.layers.ACTIVATIONS`.
        gain: as of `Init`.
        output_gain: as of `Init`.
        bias: as of `Init`.
        forget_bias: as of `Init`.
        base_width: width of the base model; None for that in the model's own YAML.
        optimizer: the class whose rule is used: one of `ENTRYWISE` or `PROPORTIONAL`.

    Raises:
        UserError: there is no rule for the optimizer.

    """

    def __init__(
        self,
        activation: str = "identity",
        gain: float | None = None,
        output_gain: float = 0.1,
        bias: float = 0.0,
        forget_bias: float = 1.0,
        base_width: int | Sequence[int] | None = None,
        optimizer: str | None = None,
    ) -> None:
        he = partial(nn.init.kaiming_normal_, nonlinearity="linear")
        super().__init__(he, activation, gain, output_gain, bias, forget_bias)
        self.base_width = base_width
        self.entrywise = _is_entrywise(optimizer)
        self._base: nn.Module | None = None

    def relative_to(self, base: nn.Module) -> Self:
        """Use the sizes of `base`, which differs from the model in them only."""
        self._base = base
        return self

    def __call__(self, model: nn.Module) -> None:
        """Initialise `model` in place, and set the factors of its parameters' rates.

        Raises:
            UserError: there is no base, it has other layers, or there is no rule for a parameter.

        """
        if self._base is None:
            raise UserError(
                "compares the model with one of another width, and this module builds its own",
                code=Code.INCOMPATIBLE,
                key="init",
                value="mup",
                hint="Use a module that takes model=, or init=he_normal",
            )
        growths = list(growths_of(model, self._base))
        super().__call__(model)
        with torch.no_grad():
            for parameter, growth in growths:
                if parameter.ndim > 1:
                    parameter.mul_(growth.spread())
        set_rate_factors(model, [(p, growth.rate(self.entrywise)) for p, growth in growths])


def _is_entrywise(optimizer: str | None) -> bool:
    if optimizer in ENTRYWISE | PROPORTIONAL:
        return optimizer in ENTRYWISE
    raise UserError(
        f"has no rule for the rates of {(optimizer or 'no optimizer').rpartition('.')[-1]}",
        code=Code.INCOMPATIBLE,
        key="init",
        value="mup",
        hint="Choose optimizer=adam, adamw or sgd_momentum, for instance. For an optimizer of your "
        "own, set init.optimizer=torch.optim.Adam if its updates do not depend on the size of "
        "gradients, or init.optimizer=torch.optim.SGD if they are proportional to them",
    )


def growths_of(model: nn.Module, base: nn.Module) -> Iterator[tuple[nn.Parameter, WidthGrowth]]:
    """Yield each parameter of a model with its growth over the base model.

    Raises:
        UserError: the base has other layers, or there is no rule for a parameter.

    """
    sizes = {name: p.shape for name, p in base.named_parameters(remove_duplicate=False)}
    own = dict(model.named_parameters(remove_duplicate=False))
    if [*sizes] != [*own]:
        raise _refused("has other layers than its base, such as another depth")
    multipliers = _of_attention(model, base)
    found: dict[int, WidthGrowth] = {}
    for where, parameter in own.items():
        layer = model.get_submodule(where.rpartition(".")[0])
        fans = _fans(layer, where, parameter.shape, sizes[where])
        growth = WidthGrowth(*fans, multipliers.get(where, 1.0))
        if found.setdefault(id(parameter), growth) != growth:
            raise _refused(f"uses {where} in two ways, as embedding and output, which scale apart")
    yield from ((parameter, found[id(parameter)]) for parameter in model.parameters())


def _fans(layer: nn.Module, where: str, shape: Size, base: Size) -> tuple[float, float]:
    """Return the factors of a parameter's fan-in and fan-out."""
    if len(shape) != len(base):
        raise _refused(f"has {where} of shape {(*shape,)}, and its base of {(*base,)}")
    factors = [own / other if other else 1.0 for own, other in zip(shape, base, strict=True)]
    if shape == base:
        return 1.0, 1.0
    if len(shape) == 1:
        return 1.0, factors[0]
    if isinstance(layer, nn.Embedding | TransposedConvolution):
        return factors[0], factors[1]
    attention = isinstance(layer, nn.MultiheadAttention) and len(shape) == 2
    if attention or isinstance(layer, Convolution | nn.RNNBase) or type(layer) in MATRICES:
        return factors[1], factors[0]
    raise _refused(f"has {where} in a {type(layer).__name__}, whose fan-in is not known")


def _of_attention(model: nn.Module, base: nn.Module) -> dict[str, float]:
    """Return multipliers by which attention divides by the size of a head instead of its root.

    Queries, keys and values are in one tensor, so all three are scaled by the fourth root, which
    the projection after them undoes for the values.
    """
    found: dict[str, float] = {}
    others = dict(base.named_modules())
    for path, layer in model.named_modules():
        other = others.get(path)
        if isinstance(layer, nn.MultiheadAttention) and isinstance(other, nn.MultiheadAttention):
            factor = (layer.head_dim / other.head_dim) ** -0.25
            before = (name for name, _ in layer.named_parameters(recurse=False))
            found |= {f"{path}.{name}": factor for name in before}
            found[f"{path}.out_proj.weight"] = 1 / factor
    return found


def _refused(why: str) -> UserError:
    return UserError(
        f"does not fit this model, which {why}",
        code=Code.INCOMPATIBLE,
        key="init",
        value="mup",
        hint="Use init=he_normal, and tune the rate at each width",
    )
