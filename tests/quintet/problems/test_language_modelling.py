"""The language modelling problem: targets, losses, measures and what fits it."""

import math
from pathlib import Path

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.config.compatibility import check_choices
from quintet.problems.language_modelling import PROBLEM
from quintet.testing.running import composed

TOKENS = torch.tensor([[1, 2, 0, 3], [0, 0, 2, 1]])
INPUTS, TARGETS = PROBLEM.shifted(TOKENS)
LOGITS = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))


def test_a_token_is_the_target_of_those_before_it() -> None:
    assert INPUTS.tolist() == [[1, 2, 0], [0, 0, 2]]
    assert TARGETS.tolist() == [[2, 0, 3], [0, 2, 1]]


def test_the_loss_is_the_likelihood_of_each_token() -> None:
    losses = PROBLEM.token_losses(LOGITS, TARGETS)
    assert losses.shape == (6,)
    chances = PROBLEM.predictions(LOGITS)
    assert float(-losses.mean()) == pytest.approx(PROBLEM.likelihood(chances, TARGETS), rel=1e-5)
    uniform = PROBLEM.token_losses(PROBLEM.blank(TARGETS, 4), TARGETS)
    assert torch.allclose(uniform, torch.full((6,), math.log(4)))


def test_bits_per_byte_need_the_bytes_of_a_text() -> None:
    nats = torch.tensor(math.log(8))
    assert {*PROBLEM.measures(nats, None)} == {"loss", "perplexity"}
    found = PROBLEM.measures(nats, 0.5)
    assert float(found["perplexity"]) == pytest.approx(8)
    assert float(found["bits_per_byte"]) == pytest.approx(1.5)  # 3 bits a token of 2 bytes
    assert {*PROBLEM.reported} < {*found}


def test_texts_are_shown_where_tokens_have_some() -> None:
    letters = lambda ids: "".join("abcd"[i] for i in ids)  # noqa: E731
    shown = PROBLEM.continued(TOKENS, 2, letters)
    assert shown == {"prompt": ["bc", "aa"], "continuation": ["ad", "cb"]}
    assert PROBLEM.continued(TOKENS, 2, None)["tokens"] is TOKENS
    assert PROBLEM.continued(TOKENS, 2, lambda ids: None)["tokens"] is TOKENS


def test_predicted_tokens_are_compared_with_what_follows() -> None:
    chances = torch.eye(4)[torch.tensor([[2, 0, 1], [0, 2, 1]])]
    predicted = PROBLEM.decided(PROBLEM.stored(chances).numpy())
    assert PROBLEM.wrongness(TARGETS.numpy(), predicted) == pytest.approx([1 / 3, 0])
    assert PROBLEM.compare(TARGETS.numpy()[0], predicted[0], list("abcd")).true == "c a d"
    assert list(PROBLEM.table(predicted, ())) == ["token_0", "token_1", "token_2"]


@pytest.mark.parametrize("wrong", [TARGETS - 1, TARGETS[0], TARGETS.float()])
def test_targets_are_ids_of_a_vocabulary(wrong: torch.Tensor) -> None:
    with pytest.raises(UserError) as refused:
        PROBLEM.check(wrong, ())
    assert refused.value.code is Code.DATA
    PROBLEM.check(TARGETS, ())
    assert PROBLEM.num_classes(TARGETS, ()) == 4
    assert PROBLEM.class_counts(TARGETS, 4) == [2, 1, 2, 1]


def test_ids_beyond_the_vocabulary_do_not_suit_a_model() -> None:
    assert not PROBLEM.misfit(TARGETS, LOGITS)[0]
    wrong, seen = PROBLEM.misfit(TARGETS, LOGITS[..., :3])
    assert wrong
    assert "ids up to 3" in seen


@pytest.mark.parametrize("data", ["python_topics", "corpus", "token_files"])
def test_only_a_language_model_fits_its_data(data: str, tmp_path: Path) -> None:
    """Said before a corpus is read."""
    cfg = composed(tmp_path, f"data={data}")
    with pytest.raises(UserError) as refused:
        check_choices(cfg)
    assert (refused.value.code, refused.value.key) == (Code.INCOMPATIBLE, "module")
    assert "Allowed: module=language_model" in str(refused.value)


def test_a_language_model_refuses_data_of_another_problem(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        check_choices(composed(tmp_path, "module=language_model", "data=digits"))
    assert refused.value.key == "module"
