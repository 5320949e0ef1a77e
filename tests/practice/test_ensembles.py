import torch

from quintet.practice.ensembles import select


def accuracy(truth):
    return lambda p: float((p.argmax(1) == truth).float().mean())


def test_models_that_err_apart_are_put_together():
    truth = torch.tensor([0, 0, 1, 1])
    sure, unsure = [0.9, 0.1], [0.45, 0.55]
    left = torch.tensor([sure, unsure, sure[::-1], sure[::-1]])  # wrong on the second
    right = torch.tensor([unsure, sure, sure[::-1], sure[::-1]])  # wrong on the first
    chosen = select([left, right], accuracy(truth), "max", 5)
    assert sorted(chosen) == [0, 1]


def test_it_is_never_worse_than_the_best_single_model():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(50, generator=generator)
    models = [truth + scale * torch.randn(50, generator=generator) for scale in (1, 0.1, 2)]

    def error(p):
        return float((p - truth).square().mean())

    chosen = select(models, error, "min", 10)
    assert error(torch.stack([models[i] for i in chosen]).mean(0)) <= min(map(error, models))


def test_a_model_may_weigh_more_than_once():
    truth = torch.zeros(1)
    models = [torch.tensor([1.0]), torch.tensor([-2.0])]
    chosen = select(models, lambda p: float((p - truth).abs().sum()), "min", 6)
    assert (chosen.count(0), chosen.count(1)) == (2, 1)
