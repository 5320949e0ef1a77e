import torch

from quintet.training.callbacks.ema import warmed_up


def test_the_average_equals_its_formula():
    update, decay = warmed_up(0.9), 0.9
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(4, generator=generator, dtype=torch.float64) for _ in range(200)]
    average, expected = weights[0].clone(), weights[0].clone()
    for n, weight in enumerate(weights[1:], start=1):
        update([average], [weight], torch.tensor(n))
        d = min(decay, (1 + n) / (10 + n))
        expected = d * expected + (1 - d) * weight
    assert torch.allclose(average, expected, rtol=1e-12)


def test_a_short_run_is_not_held_back_by_its_start():
    slow, quick = torch.zeros(1), torch.zeros(1)
    update = warmed_up(0.995)
    for n in range(1, 21):
        update([quick], [torch.ones(1)], n)
        slow.lerp_(torch.ones(1), 1 - 0.995)
    assert quick > 0.95
    assert slow < 0.1
