import torch

from quintet.problems import problem_of

LOGITS = torch.tensor([[0.2, -1.0], [3.0, 2.0], [-4.0, 4.0]])


def test_one_logit_and_two_mean_the_same():
    binary = problem_of("binary").predictions
    one = (LOGITS[:, 1] - LOGITS[:, 0])[:, None]
    assert torch.allclose(binary(LOGITS), binary(one))


def test_binary_is_the_probability_of_class_one():
    assert problem_of("binary").predictions(LOGITS).argmax() == 2


def test_multiclass_probabilities_add_up():
    assert torch.allclose(problem_of("multiclass").predictions(LOGITS).sum(1), torch.ones(3))


def test_labels_are_independent():
    assert torch.equal(problem_of("multilabel").predictions(LOGITS), LOGITS.sigmoid())


def test_values_are_left_alone():
    assert torch.equal(problem_of("regression").predictions(LOGITS), LOGITS)
