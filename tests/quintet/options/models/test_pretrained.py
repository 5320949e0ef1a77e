"""Weights of another model, and what stays as it is."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError
from quintet.options.models.mlp import MLP
from quintet.options.models.pretrained import freeze, is_frozen, load
from refusals import Refusal


def net(outputs: int = 3, width: int = 8) -> MLP:
    return MLP([4], outputs, width=width, depth=2, batch_norm=True)


def test_what_fits_by_name_and_shape_is_loaded_and_the_rest_is_reported() -> None:
    old, new = net(outputs=5), net(outputs=3)
    was = copy.deepcopy(new.head.state_dict())
    found = load(new, {**old.state_dict(), "extra": torch.ones(1)}, "old")
    body = {name for name in new.state_dict() if name.startswith("hidden")}
    assert {*found.taken} == body
    assert all(torch.equal(new.state_dict()[name], old.state_dict()[name]) for name in body)
    assert all(torch.equal(new.head.state_dict()[name], was[name]) for name in was)
    assert "(5, 8), the model's (3, 8)" in found.skipped["head.weight"]
    assert "no tensor of that name" in found.skipped["extra"]
    assert found.fresh == ["head.weight", "head.bias"]


@pytest.mark.parametrize("wrapper", ["model.", "module.", "_orig_mod.", "module._orig_mod."])
def test_names_of_wrappers_are_seen_through(wrapper: str) -> None:
    old, new = net(), net()
    found = load(new, {f"{wrapper}{k}": v for k, v in old.state_dict().items()}, "old")
    assert not found.skipped
    assert not found.fresh


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.replace("hidden", "hiden").replace("head", "haed"): t for name, t in state.items()}


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (
            lambda: net(width=9, outputs=4).state_dict(),
            Refusal(Code.INCOMPATIBLE, "model.weights", "old"),
        ),
        (lambda: renamed(net().state_dict()), Refusal(Code.INCOMPATIBLE, "model.weights", "old")),
        (
            lambda: {"hidden.1.num_batches_tracked": torch.tensor(1)},
            Refusal(Code.INCOMPATIBLE, "model.weights", "old"),
        ),
        (
            lambda: {"head.bias": torch.ones(3), "stages.0": torch.ones(1)},
            Refusal(Code.INCOMPATIBLE, "model.weights", "old"),
        ),
    ],
)
def test_weights_of_which_nothing_fits_are_refused(
    state: Callable[[], dict[str, Tensor]], refusal: Refusal
) -> None:
    with refusal as caught:
        load(net(), state(), "old")
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "model.weights"


@pytest.mark.parametrize(
    "pattern", ["hidden", "hidden.*", r"hidden\.\d\.(weight|bias)", "hidden.[0-9].*"]
)
def test_a_module_a_glob_and_a_regular_expression_freeze_the_same(pattern: str) -> None:
    model = net()
    assert {*freeze(model, [pattern])} == {
        name for name, _ in model.named_parameters() if name.startswith("hidden")
    }


def test_a_pattern_that_matches_nothing_is_refused_with_the_nearest_name() -> None:
    with Refusal(Code.UNKNOWN_NAME, "model.freeze", "hiden"):
        freeze(net(), ["head", "hiden"])


@pytest.mark.parametrize(("pattern", "stays"), [("hidden", True), ("*.weight", False)])
@pytest.mark.parametrize("affine", [True, False])
def test_running_statistics_stay_with_their_layer(pattern: str, stays: bool, affine: bool) -> None:
    model = net()
    model.hidden[1] = nn.BatchNorm1d(8, affine=affine)
    freeze(model, [pattern])
    assert is_frozen(model.hidden[1]) is stays
    assert model.hidden[1].training is not stays


def test_freezing_everything_is_refused_with_what_to_leave_out() -> None:
    with pytest.raises(UserError) as caught:
        freeze(net(), ["hidden", "head.*"])
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "model.freeze"
