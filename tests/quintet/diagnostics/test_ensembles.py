import pytest
import torch
from sklearn.metrics import log_loss

from quintet.ensembles.member_selection import average, select
from quintet.problems import problem_of


def accuracy(truth):
    return lambda p: (float((p.argmax(1) == truth).float().mean()),)


def test_models_that_err_apart_are_put_together():
    truth = torch.tensor([0, 0, 1, 1])
    sure, unsure = [0.9, 0.1], [0.45, 0.55]
    left = torch.tensor([sure, unsure, sure[::-1], sure[::-1]])  # wrong on the second
    right = torch.tensor([unsure, sure, sure[::-1], sure[::-1]])  # wrong on the first
    chosen = select([left, right], accuracy(truth), 5)
    assert sorted(chosen) == [0, 1]


def test_it_is_never_worse_than_the_best_single_model():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(50, generator=generator)
    models = [truth + scale * torch.randn(50, generator=generator) for scale in (1, 0.1, 2)]

    def quality(p):
        return (-float((p - truth).square().mean()),)

    chosen = select(models, quality, 10)
    assert quality(sum(n * models[i] for i, n in chosen.items()) / sum(chosen.values())) >= max(
        map(quality, models)
    )


def test_a_model_may_weigh_more_than_once():
    truth = torch.zeros(1)
    models = [torch.tensor([1.0]), torch.tensor([-2.0])]
    chosen = select(models, lambda p: (-float((p - truth).abs().sum()),), 6)
    assert chosen == {0: 2, 1: 1}


def test_votes_are_printed_in_their_smallest_proportion():
    models = [torch.tensor([0.1]), torch.tensor([9.0])]
    assert select(models, lambda p: (-float(p.abs().sum().round()),), 5) == {0: 1}


def test_of_models_with_the_same_metric_those_that_think_the_truth_likelier_are_put_together():
    truth = torch.tensor([0, 1])
    all_right = [torch.tensor([[a, 1 - a], [1 - b, b]]) for a, b in ((0.6, 0.9), (0.9, 0.6))]
    p = accuracy(truth)

    def quality(predicted):
        return *p(predicted), problem_of("multiclass").likelihood(predicted, truth)

    assert select(all_right, p, 5) == {0: 1}
    assert sorted(select(all_right, quality, 5)) == [0, 1]


def test_a_model_without_some_samples_adds_to_those_that_it_has():
    truth = torch.zeros(4)
    whole, part = torch.tensor([1.0, 1, 1, 1]), torch.tensor([-1.0, -1, torch.nan, torch.nan])
    chosen = select([whole, part], lambda p: (-float((p - truth).abs().sum()),), 5)
    assert chosen == {0: 1, 1: 1}
    assert average([whole, part], chosen).tolist() == [0, 0, 1, 1]


def test_a_selection_predicts_every_sample():
    good = torch.tensor([0.0, torch.nan])
    chosen = select([torch.tensor([9.0, 9.0]), good], lambda p: (-float(p.abs().sum()),), 1)
    assert chosen == {0: 1}


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_the_likelihood_is_that_of_scikit_learn(task):
    generator = torch.Generator().manual_seed(0)
    predicted = torch.rand(20, 3, generator=generator).double().softmax(1)
    truth = torch.randint(0, 3, (20,), generator=generator)
    if task == "multiclass":
        expected = log_loss(truth, predicted)
    else:
        predicted, truth = predicted[:, 0], (truth == 0).long()
        expected = log_loss(truth, predicted)
    if task == "multilabel":
        predicted, truth = predicted.reshape(10, 2), truth.reshape(10, 2)
    assert problem_of(task).likelihood(predicted, truth) == pytest.approx(-expected, rel=1e-6)


def test_one_sure_mistake_leaves_the_likelihood_finite():
    wrong = torch.tensor([[1.0, 0.0]])
    assert problem_of("multiclass").likelihood(wrong, torch.tensor([1])) > float("-inf")


def test_values_have_no_likelihood():
    assert problem_of("regression").likelihood(torch.zeros(3, 1), torch.ones(3, 1)) == 0
