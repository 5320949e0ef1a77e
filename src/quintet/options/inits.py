"""Weight initialisation: applies any of torch's init functions to a whole model."""

import warnings
from collections.abc import Callable, Iterator
from math import sqrt

import torch
from torch import Tensor, nn

from quintet.base.advice import Advice
from quintet.base.errors import Code, UserError
from quintet.options.models.layers import make_activation
from quintet.options.torch_internals import Convolution

WeightInit = Callable[[Tensor], Tensor]
"""Fills a tensor in place, as the functions of `torch.nn.init` do."""

_SATURATING = frozenset({"tanh", "sigmoid"})
_RECTIFYING = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu"})
_LAYERS = (nn.Linear, Convolution, nn.RNNBase, nn.MultiheadAttention)
_STACKED = {nn.GRU: 3, nn.LSTM: 4, nn.MultiheadAttention: 3}


class InitWarning(UserWarning):
    """An init that works, but was not made for the model's activation.

    Args:
        advice: what to use instead.

    """

    def __init__(self, advice: Advice) -> None:
        super().__init__(str(advice))
        self.advice = advice


class Init:
    """Fill every weight of a model with `weight`, and every bias with a constant.

    The weights of linear, convolutional, recurrent and attention layers are filled. Each gate of a
    GRU or LSTM, and each of the query, key and value projections that attention stores in one
    tensor, is filled separately, so that fan-in and fan-out are those of the matrix in use. Norm
    layers are left unchanged, since their scale of 1 is what makes them normalise, and so are
    embeddings, since a lookup table has no fan-in.

    Args:
        weight: fills one weight tensor in place, for instance `torch.nn.init.orthogonal_`.
        activation: name of the model's activation, see `models.layers.ACTIVATIONS`.
        gain: factor on every weight; None for that of the activation, see `gain_of`.
        output_gain: further factor on the weights of the last layer, `model.head`. Small outputs
            make the loss start near that of a constant guess, ln C for C classes.
        bias: constant for every bias.
        forget_bias: constant for the bias of an LSTM's forget gate: at 1 it starts out open and
            remembers (Gers et al. 2000; Jozefowicz et al. 2015).
        force: allow weights that are all the same.

    Raises:
        UserError: all weights would be the same, and `force` is False.

    """

    def __init__(
        self,
        weight: WeightInit,
        activation: str = "identity",
        gain: float | None = None,
        output_gain: float = 0.1,
        bias: float = 0.0,
        forget_bias: float = 1.0,
        force: bool = False,
    ) -> None:
        self.weight = weight
        self.activation = activation
        self.gain = gain_of(activation) if gain is None else gain
        self.output_gain = output_gain
        self.bias = bias
        self.forget_bias = forget_bias
        if not force:
            self._refuse_symmetry()

    def __call__(self, model: nn.Module) -> None:
        """Initialise `model` in place, drawing from torch's global generator.

        Warns:
            InitWarning: the init was made for another kind of activation.

        """
        if advice := self.advice():
            warnings.warn(InitWarning(advice), stacklevel=2)
        with torch.no_grad():
            for layer in model.modules():
                if isinstance(layer, _LAYERS):
                    self._fill(layer)
            if isinstance(head := getattr(model, "head", None), nn.Linear):
                head.weight.mul_(self.output_gain)

    def advice(self) -> Advice | None:
        """Return why this init does not suit the activation, or None if it does."""
        scheme = getattr(getattr(self.weight, "func", self.weight), "__name__", "")
        if scheme.startswith("kaiming") and self.activation in _SATURATING:
            return Advice(
                f"He init does not suit {self.activation}",
                f"Its large weights compensate for the half that ReLU cuts off. {self.activation} "
                "cuts nothing off, so its units start nearer to saturation, where gradients "
                "vanish. init=xavier_uniform or init=xavier_normal suits better.",
            )
        if scheme.startswith("xavier") and self.activation in _RECTIFYING:
            return Advice(
                f"Xavier init does not suit {self.activation}",
                f"It assumes an activation that passes its input on, but {self.activation} cuts "
                "off the negative half, so the signal shrinks with every layer. init=he_uniform "
                "or init=he_normal compensates for it.",
            )
        return None

    def _fill(self, layer: nn.Module) -> None:
        """Fill the tensors that belong to `layer` itself, not to its children."""
        for name, tensor in layer.named_parameters(recurse=False):
            if "bias" in name:
                tensor.fill_(self.bias)
            else:
                for matrix in _matrices(layer, tensor):
                    self.weight(matrix)
                    matrix.mul_(self.gain)
        if isinstance(layer, nn.LSTM) and layer.bias:
            for index in range(layer.num_layers):
                # Two biases are added in each gate: one of them carries the constant.
                _forget_gate(getattr(layer, f"bias_ih_l{index}")).fill_(self.forget_bias)
                _forget_gate(getattr(layer, f"bias_hh_l{index}")).zero_()

    def _refuse_symmetry(self) -> None:
        """Try the init on a small matrix, without advancing the random generator."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            sample = self.weight(torch.empty(4, 4)) * self.gain
        if (sample == sample[0, 0]).all():
            raise UserError(
                f"This init sets every weight to {sample[0, 0]:g}. Units with equal weights "
                "compute and learn the same (symmetry), so a layer is worth one unit",
                code=Code.INCOMPATIBLE,
                hint="Choose a random init, for instance init=he_normal or init=xavier_normal; "
                "init.force=true uses this one anyway",
            )


def keep(model: nn.Module) -> None:
    """Leave `model` as the library initialised it."""


def gain_of(activation: str) -> float:
    """Return the factor on weights of variance 1/fan_in that preserves the signal's variance.

    It is 1 / sqrt(E[f(z)^2]) for z ~ N(0, 1): the condition of He et al. 2015, equation 9, for
    any activation f, so that gelu, silu and elu, which `torch.nn.init.calculate_gain` lacks, need
    no rule of thumb. It gives sqrt(2) for relu and 1 for identity and selu.
    """
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2)
    squares = make_activation(activation)(z) ** 2
    return sqrt(float(density.sum() / (squares * density).sum()))


def _matrices(layer: nn.Module, tensor: Tensor) -> Iterator[Tensor]:
    """Split a tensor that stacks several matrices into views of each."""
    yield from tensor.chunk(_STACKED.get(type(layer), 1))


def _forget_gate(bias: Tensor) -> Tensor:
    """Return the forget gate's part of an LSTM bias; the gates are in the order i, f, g, o."""
    return bias.chunk(4)[1]
