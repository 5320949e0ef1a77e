import torch

from quintet.modules.decoding import predictions

LOGITS = torch.tensor([[0.2, -1.0], [3.0, 2.0], [-4.0, 4.0]])


def test_one_logit_and_two_mean_the_same():
    one = (LOGITS[:, 1] - LOGITS[:, 0])[:, None]
    assert torch.allclose(predictions(LOGITS, "binary"), predictions(one, "binary"))


def test_binary_is_the_probability_of_class_one():
    assert predictions(LOGITS, "binary").argmax() == 2


def test_multiclass_probabilities_add_up():
    assert torch.allclose(predictions(LOGITS, "multiclass").sum(1), torch.ones(3))


def test_labels_are_independent():
    assert torch.equal(predictions(LOGITS, "multilabel"), LOGITS.sigmoid())


def test_values_are_left_alone():
    assert torch.equal(predictions(LOGITS, "regression"), LOGITS)
