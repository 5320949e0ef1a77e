"""Inits: what they draw, what they refuse, and their required accuracy on digits."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.datasets import load_digits
from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.inits import Init, InitWarning, gain_of
from quintet.options.models.cnn import CNN
from quintet.options.models.layers import ACTIVATIONS
from quintet.options.models.mlp import MLP
from quintet.options.models.recurrent import GRU, LSTM
from quintet.options.models.resnet import ResNet
from quintet.options.models.transformer import Transformer
from refusals import Refusal

OPTIONS = Path(__file__).parents[3] / "configs" / "init"
REFUSED = {"zeros", "ones"}
RELATIVE = {"mup"}
"""Inits that need a model of another width as well: test_mup.py."""
RANDOM = sorted({path.stem for path in OPTIONS.glob("*.yaml")} - REFUSED - RELATIVE)
DRAWN = [name for name in RANDOM if name != "default"]


def build(name: str, activation: str | None = "relu", **overrides: Any) -> Any:
    model = {} if activation is None else {"activation": activation}
    option = OmegaConf.merge(OmegaConf.load(OPTIONS / f"{name}.yaml"), overrides)
    return instantiate(OmegaConf.create({"model": model, "init": option}).init)


def initialised(model: nn.Module, name: str, activation: str = "relu", **overrides: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InitWarning)
        build(name, activation, **overrides)(model)
    return model


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    data = load_digits()
    x = torch.tensor(data.data, dtype=torch.float32)
    return (x - x.mean()) / x.std(), torch.tensor(data.target)


class TestDraws:
    @pytest.mark.parametrize(
        ("name", "std"),
        [
            ("he_normal", math.sqrt(2 / 300)),
            ("he_uniform", math.sqrt(2 / 300)),
            ("xavier_normal", math.sqrt(2 / (300 + 200))),
            ("xavier_uniform", math.sqrt(2 / (300 + 200))),
            ("normal", 0.05),
            ("uniform", 0.1 / math.sqrt(12)),
        ],
    )
    def test_spread_is_the_one_of_the_paper(self, name: str, std: float) -> None:
        layer = initialised(nn.Sequential(nn.Linear(300, 200)), name)[0]
        assert layer.weight.std().item() == pytest.approx(std, rel=0.02)
        assert abs(layer.weight.mean().item()) < std / 50

    def test_orthogonal_rows_have_the_length_of_the_gain(self) -> None:
        layer = initialised(nn.Sequential(nn.Linear(30, 20)), "orthogonal")[0]
        torch.testing.assert_close(layer.weight @ layer.weight.T, 2 * torch.eye(20))

    def test_uniform_is_bounded_and_normal_is_not(self) -> None:
        uniform = initialised(nn.Sequential(nn.Linear(300, 200)), "he_uniform")[0].weight
        normal = initialised(nn.Sequential(nn.Linear(300, 200)), "he_normal")[0].weight
        assert uniform.abs().max() <= math.sqrt(6 / 300)
        assert normal.abs().max() > math.sqrt(6 / 300)

    def test_convolution_counts_the_pixels_of_its_kernel(self) -> None:
        layer = initialised(nn.Sequential(nn.Conv2d(16, 64, 3)), "he_normal")[0]
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (16 * 9)), rel=0.03)

    @pytest.mark.parametrize(("cell", "gates"), [(nn.GRU, 3), (nn.LSTM, 4)])
    def test_each_gate_has_its_own_fans(self, cell: type[nn.RNNBase], gates: int) -> None:
        layer = cell(100, 200)
        initialised(nn.Sequential(layer), "xavier_normal")
        for weight, fans in ((layer.weight_ih_l0, 100 + 200), (layer.weight_hh_l0, 200 + 200)):
            for gate in weight.chunk(gates):
                assert gate.std().item() == pytest.approx(math.sqrt(2 / fans), rel=0.03)

    def test_each_gate_is_orthogonal_on_its_own(self) -> None:
        layer = nn.GRU(8, 16)
        initialised(nn.Sequential(layer), "orthogonal", gain=1.0)
        for gate in layer.weight_hh_l0.chunk(3):
            torch.testing.assert_close(gate @ gate.T, torch.eye(16))

    def test_query_key_and_value_have_their_own_fans(self) -> None:
        layer = nn.MultiheadAttention(128, 4)
        initialised(nn.Sequential(layer), "xavier_normal")
        for projection in layer.in_proj_weight.chunk(3):
            assert projection.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.03)

    def test_same_seed_gives_same_weights_and_a_second_call_new_ones(self) -> None:
        model, init = MLP([64], 10), build("he_normal")
        draws = []
        for seed in (3, 3, 4):
            torch.manual_seed(seed)
            init(model)
            draws.append(model.hidden[0].weight.detach().clone())
        init(model)
        again = model.hidden[0].weight.detach()
        assert torch.equal(draws[0], draws[1])
        assert not torch.equal(draws[1], draws[2])
        assert not torch.equal(draws[2], again)
        assert again.std().item() == pytest.approx(math.sqrt(2 / 64), rel=0.05)


class TestWhatIsTouched:
    def test_default_touches_nothing(self) -> None:
        model = MLP([64], 10)
        before = {name: each.clone() for name, each in model.state_dict().items()}
        build("default")(model)
        assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())

    @pytest.mark.parametrize("name", DRAWN)
    def test_biases_are_zero(self, name: str) -> None:
        model = initialised(GRU([6], 3, vocabulary=9), name)
        biases = [each for key, each in model.named_parameters() if "bias" in key]
        assert len(biases) == 3
        assert all((each == 0).all() for each in biases)

    def test_bias_can_be_chosen(self) -> None:
        model = initialised(MLP([64], 10), "he_normal", bias=0.1)
        assert (model.hidden[0].bias == 0.1).all()

    def test_forget_gate_of_an_lstm_starts_open(self) -> None:
        model = initialised(LSTM([6, 2], 3, width=4, depth=2), "xavier_normal")
        for layer in range(2):
            ih, hh = (getattr(model.layers, f"bias_{part}_l{layer}") for part in ("ih", "hh"))
            assert (ih + hh).tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8

    def test_norms_and_embeddings_stay(self) -> None:
        model = Transformer([6], 3, vocabulary=9)
        before = {name: each.clone() for name, each in model.named_parameters()}
        initialised(model, "he_normal", "gelu", bias=0.1)
        stayed = {key for key, each in model.named_parameters() if torch.equal(each, before[key])}
        assert stayed == {key for key in before if "norm" in key or key == "embed.weight"}

    def test_last_layer_is_scaled(self) -> None:
        model = initialised(MLP([64], 200, width=200), "xavier_normal", output_gain=0.5)
        assert model.head.weight.std().item() == pytest.approx(0.5 * math.sqrt(2 / 400), rel=0.03)


class TestGain:
    @pytest.mark.parametrize(
        ("name", "param"), [("relu", None), ("leaky_relu", 0.01), ("linear", None)]
    )
    def test_agrees_with_torch_where_theory_does(self, name: str, param: float | None) -> None:
        ours = gain_of("identity" if name == "linear" else name)
        assert ours == pytest.approx(nn.init.calculate_gain(name, param), rel=1e-5)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", sorted(ACTIVATIONS))
    def test_keeps_the_size_of_the_signal(self, name: str) -> None:
        z = torch.randn(512, 256)
        layer = nn.Sequential(ACTIVATIONS[name](), nn.Linear(256, 4096))
        initialised(layer, "he_normal", name)
        assert layer(z).square().mean().sqrt().item() == pytest.approx(1.0, abs=0.05)

    def test_a_model_without_activation_gets_gain_one(self) -> None:
        assert build("he_normal", activation=None).gain == pytest.approx(1.0)


class TestRefusalAndAdvice:
    @pytest.mark.parametrize(("name", "value"), [("zeros", 0), ("ones", 1)])
    def test_equal_weights_are_refused_with_the_reason(self, name: str, value: int) -> None:
        with pytest.raises(Exception, match=f"every weight to {value}.*symmetry") as caught:
            build(name)
        assert isinstance(caught.value.__cause__ or caught.value, UserError)

    @pytest.mark.parametrize(("name", "value"), [("zeros", 0.0), ("ones", 1.0)])
    def test_equal_weights_can_be_forced(self, name: str, value: float) -> None:
        model = initialised(MLP([4], 2), name, force=True)
        assert (model.hidden[0].weight == value).all()

    def test_a_spread_of_zero_is_refused_too(self) -> None:
        with Refusal(Code.INCOMPATIBLE, match="symmetry"):
            Init(nn.init.xavier_normal_, gain=0.0)

    def test_building_an_init_leaves_the_random_stream_alone(self) -> None:
        before = torch.get_rng_state()
        build("he_normal")
        assert torch.equal(torch.get_rng_state(), before)

    @pytest.mark.parametrize(
        ("name", "activation", "reason"),
        [
            ("he_normal", "tanh", "saturation"),
            ("he_uniform", "sigmoid", "saturation"),
            ("xavier_uniform", "relu", "shrinks"),
            ("xavier_normal", "gelu", "shrinks"),
        ],
    )
    def test_an_unsuited_activation_is_warned_of(
        self, name: str, activation: str, reason: str
    ) -> None:
        init = build(name, activation)
        with pytest.warns(InitWarning, match=f"{activation}.*{reason}"):
            init(MLP([4], 2, activation=activation))

    @pytest.mark.parametrize(
        ("name", "activation"),
        [("he_normal", "relu"), ("xavier_normal", "tanh"), ("orthogonal", "tanh")],
    )
    def test_a_suited_activation_is_not(self, name: str, activation: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            build(name, activation)(MLP([4], 2, activation=activation))


class TestOnDigits:
    @pytest.mark.parametrize("name", RANDOM)
    @pytest.mark.parametrize("family", [MLP, CNN, ResNet])
    def test_initial_loss_is_that_of_a_guess(
        self, name: str, family: Any, digits: tuple[Tensor, Tensor]
    ) -> None:
        x, y = digits[0].view(-1, 1, 8, 8), digits[1]
        model = initialised(family([1, 8, 8], 10), name)
        loss = nn.functional.cross_entropy(model(x), y).item()
        assert loss == pytest.approx(math.log(10), abs=0.1 if name == "default" else 0.04)

    def test_ten_tanh_layers_keep_their_signal_with_xavier(
        self, digits: tuple[Tensor, Tensor]
    ) -> None:
        model = MLP([64], 10, width=128, depth=10, activation="tanh")
        initialised(model, "xavier_normal", "tanh")
        assert 0.1 < model.hidden(digits[0]).std().item() < 1

    @pytest.mark.slow
    def test_thirty_relu_layers_learn_with_he_and_not_with_xavier(
        self, digits: tuple[Tensor, Tensor]
    ) -> None:
        he, xavier = (
            accuracy_of_a_deep_net(name, *digits) for name in ("he_normal", "xavier_normal")
        )
        assert he >= 0.85
        assert he - xavier >= 0.15


def accuracy_of_a_deep_net(name: str, x: Tensor, y: Tensor) -> float:
    """Train 30 ReLU layers of 128 units for 15 epochs with Adam; give the test accuracy."""
    torch.manual_seed(0)
    order = torch.randperm(len(x))
    train, test = order[:1437], order[1437:]
    model = initialised(MLP([64], 10, width=128, depth=30), name)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    for _ in range(15):
        for rows in train[torch.randperm(len(train))].split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (model(x[test]).argmax(1) == y[test]).float().mean().item()
