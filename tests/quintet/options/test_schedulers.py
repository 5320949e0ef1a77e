"""The learning rates of a whole run equal their closed forms, warmed up or not, resumed or not."""

import io
import math
import warnings

import pytest
import torch
from torch import nn

from options import STEPS_PER_EPOCH, TOTAL_STEPS, build, node, own
from quintet.base.errors import Code, UserError
from quintet.options.schedulers import warmup_stable_decay, warmup_steps, with_warmup
from schedules import EPOCHS, LR, METRIC, run_steps, start
from usual import every, usual

KNOWN = ["constant", "step", "exponential", "plateau", "cosine", "cyclic", "one_cycle", "wsd"]
"""Schedules with a closed form below; another one has its own test."""


def plateau(epoch):
    """Halvings up to an epoch, when the second epoch in a row without a better value halves."""
    best, bad, halvings = -math.inf, 0, 0
    for value in METRIC[:epoch]:
        best, bad = max(best, value), 0 if value > best else bad + 1
        if bad > 1:
            halvings, bad = halvings + 1, 0
    return 0.5**halvings


def triangle(t):
    """Between a quarter and one, up in an epoch and down in the next."""
    return 0.25 + 0.75 * (1 - abs((t % (2 * STEPS_PER_EPOCH)) / STEPS_PER_EPOCH - 1))


def cosine_between(first, last, share):
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def one_cycle(t, length, low=1 / 25, high=1.0, end=1 / 25e4):
    peak = 0.3 * length - 1
    if t <= peak:
        return cosine_between(low, high, t / peak)
    return cosine_between(high, end, (t - peak) / (length - 1 - peak))


def stable_decay(t, length, share=0.2):
    """One, until a fifth of the run is left; then 1 - sqrt of the share of it that is over."""
    fall = round(share * length)
    return 1 - math.sqrt(max(t - (length - fall), 0) / fall)


def closed_form(scheduler, t, length):
    """Learning rate of step t of a schedule over `length` steps, as a share of LR."""
    epoch = t // STEPS_PER_EPOCH
    return {
        "constant": lambda: 1,
        "step": lambda: 0.1 ** (epoch // 4),
        "exponential": lambda: 0.95**epoch,
        "plateau": lambda: plateau(epoch),
        "cosine": lambda: (1 + math.cos(math.pi * t / length)) / 2,
        "cyclic": lambda: triangle(t),
        "one_cycle": lambda: one_cycle(t, length),
        "wsd": lambda: stable_decay(t, length),
    }[scheduler]()


def expected_rates(scheduler, w):
    """Ramp of w steps, then (step clock) or times (epoch clock) the closed form."""
    ramp = [min(1, (t + 1) / (w + 1)) for t in range(TOTAL_STEPS)]
    if node("scheduler", scheduler)["interval"] == "epoch":
        shares = [r * closed_form(scheduler, t, TOTAL_STEPS) for t, r in enumerate(ramp)]
    else:
        left = TOTAL_STEPS - w
        shares = [r * closed_form(scheduler, max(t - w, 0), left) for t, r in enumerate(ramp)]
    return [LR * share for share in shares]


@pytest.mark.parametrize("warmup", [0, 10, 0.25])
@pytest.mark.parametrize("scheduler", KNOWN)
def test_rates_equal_the_closed_form(scheduler, warmup):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rates, _ = run_steps(start(scheduler, warmup))
    expected = expected_rates(scheduler, warmup_steps(warmup, TOTAL_STEPS))
    for group in range(2):
        assert [r[group] for r in rates] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("warmup", [0, 10])
@pytest.mark.parametrize("scheduler", own("scheduler"))
def test_the_rates_of_layers_keep_their_proportion(scheduler, warmup):
    rates, _ = run_steps(start(scheduler, warmup, share=0.25))
    assert [low for _, low in rates] == pytest.approx([0.25 * top for top, _ in rates])


@pytest.mark.parametrize("at", usual([6, 7, 10, 35, 40], 7, 35))
@pytest.mark.parametrize("warmup", [0, 10])
@pytest.mark.parametrize("scheduler", own("scheduler"))
def test_a_saved_run_continues_exactly(scheduler, warmup, at):
    whole = run_steps(start(scheduler, warmup))
    run = start(scheduler, warmup)
    run_steps(run, 0, at)
    file = io.BytesIO()
    torch.save([run[1].state_dict(), [c["scheduler"].state_dict() for c in run[2]]], file)
    file.seek(0)
    optimizer, states = torch.load(file, weights_only=True)
    resumed = start(scheduler, warmup)
    resumed[1].load_state_dict(optimizer)
    for config, state in zip(resumed[2], states, strict=True):
        config["scheduler"].load_state_dict(state)
    rates, momenta = run_steps(resumed, at)
    assert rates == whole[0][at:]
    assert momenta == whole[1][at:]


@pytest.mark.parametrize("optimizer", ["sgd_momentum", "adam"])
@pytest.mark.parametrize("w", [0, 10])
def test_one_cycle_swings_the_momentum_the_other_way(optimizer, w):
    _, momenta = run_steps(start("one_cycle", w, optimizer))
    left = TOTAL_STEPS - w
    swing = [one_cycle(max(t - w, 0), left, 0.95, 0.85, 0.95) for t in range(TOTAL_STEPS)]
    assert momenta == pytest.approx(swing, rel=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad"])
@pytest.mark.parametrize("scheduler", ["one_cycle", "cyclic"])
def test_an_optimizer_without_momentum_is_given_none(scheduler, optimizer):
    _, momenta = run_steps(start(scheduler, 0, optimizer, cycle_momentum=True))
    assert not any(momenta)


@pytest.mark.parametrize("optimizer", every(3, own("optimizer")))
@pytest.mark.parametrize("scheduler", KNOWN)
def test_every_schedule_runs_with_every_optimizer(scheduler, optimizer):
    run = start(scheduler, 10, optimizer)
    before = run[0].weight.detach().clone()
    rates, _ = run_steps(run)
    assert [r[0] for r in rates] == pytest.approx(
        expected_rates(scheduler, 10), rel=1e-9, abs=1e-12
    )
    assert torch.isfinite(run[0].weight).all()
    assert not torch.equal(run[0].weight, before)


@pytest.mark.parametrize("scheduler", own("scheduler"))
def test_only_a_plateau_names_a_monitor(scheduler):
    monitors = [c["monitor"] for c in start(scheduler, 10)[2] if "monitor" in c]
    assert monitors == (["val/accuracy"] if scheduler == "plateau" else [])


def test_a_length_of_the_users_own_is_kept():
    rates, _ = run_steps(start("cosine", 10, T_max=30), 0, 40)
    expected = [cosine_between(LR, 0, t / 30) for t in range(30)]
    assert [r[0] for r in rates[10:]] == pytest.approx(expected, abs=1e-12)


def test_cosine_ends_at_its_floor():
    run = start("cosine", 10, eta_min=0.01)
    run_steps(run)
    assert run[1].param_groups[0]["lr"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("warmup", "says"),
    [
        (-1, "is not a number of steps"),
        (1.5, "is not a number of steps"),
        (TOTAL_STEPS, "does not fit a run of 84 steps"),
    ],
)
def test_a_warmup_that_does_not_fit_the_run_is_refused(warmup, says):
    with pytest.raises(UserError, match=f"warmup={warmup} {says}"):
        warmup_steps(warmup, TOTAL_STEPS)


def test_a_short_fraction_is_not_a_warmup():
    assert warmup_steps(0.001, TOTAL_STEPS) == 0


@pytest.mark.parametrize(
    ("scheduler", "interval", "warmup"),
    [("plateau", "step", 0), ("cosine", "epoch", 5), ("step", "steps", 0)],
)
def test_a_clock_that_does_not_fit_is_refused(scheduler, interval, warmup):
    factory = build("scheduler", scheduler)
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=LR)
    with pytest.raises(UserError, match=f"scheduler.interval={interval}"):
        with_warmup(factory, optimizer, interval=interval, warmup=warmup, total_steps=TOTAL_STEPS)


def test_one_cycle_with_a_rise_of_one_step_is_refused():
    factory = build("scheduler", "one_cycle", pct_start=1 / TOTAL_STEPS)
    with pytest.raises(UserError) as caught:
        factory(torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=LR))
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "scheduler.pct_start"


@pytest.mark.parametrize("warmup", [0, 10])
@pytest.mark.parametrize("scheduler", KNOWN)
def test_lightning_ticks_the_clocks_the_same_way(scheduler, warmup, tmp_path):
    import lightning

    class Task(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, self.stepper, self.schedule = start(scheduler, warmup)
            self.rates = []

        def training_step(self, batch):
            self.rates.append(self.stepper.param_groups[0]["lr"])
            return self.model(batch).square().mean()

        def validation_step(self, batch):
            self.log("val/accuracy", METRIC[self.current_epoch])

        def configure_optimizers(self):
            return [self.stepper], self.schedule

    task = Task()
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=tmp_path,
    )
    batches = torch.utils.data.DataLoader(torch.ones(STEPS_PER_EPOCH, 2))
    trainer.fit(task, batches, batches)
    assert task.rates == pytest.approx(expected_rates(scheduler, warmup), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle"])
def test_a_schedule_on_the_epoch_clock_spans_the_run(scheduler):
    overrides = {"interval": "epoch"} | ({"pct_start": 0.25} if scheduler == "one_cycle" else {})
    rates, _ = run_steps(start(scheduler, **overrides))
    by_epoch = [rate[0] for rate in rates[::STEPS_PER_EPOCH]]
    lowest = LR * (1 + math.cos(math.pi * (EPOCHS - 1) / EPOCHS)) / 2
    assert by_epoch[-1] == pytest.approx(lowest if scheduler == "cosine" else LR / 25e4)
    assert max(by_epoch) == pytest.approx(LR)


@pytest.mark.parametrize(
    ("shape", "halfway"), [("sqrt", 1 - math.sqrt(0.5)), ("linear", 0.5), ("cosine", 0.5)]
)
def test_a_stable_rate_falls_in_its_shape_to_its_least(shape, halfway):
    rates, _ = run_steps(start("wsd", total_steps=80, decay=0.5, shape=shape, min_factor=0.1))
    assert [r[0] / LR for r in rates[:41]] == pytest.approx([1] * 41)
    assert rates[60][0] / LR == pytest.approx(0.1 + 0.9 * halfway)
    assert rates[80][0] / LR == rates[-1][0] / LR == pytest.approx(0.1)


def test_until_its_decay_a_stable_rate_does_not_depend_on_the_length_of_the_run():
    short, long = (run_steps(start("wsd", total_steps=n))[0] for n in (40, 80))
    assert short[:32] == long[:32]


@pytest.mark.parametrize(
    ("key", "value"), [("decay", 0), ("decay", 1.5), ("min_factor", -1), ("shape", "square")]
)
def test_a_stable_rate_refuses_what_is_not_a_share_or_shape(key, value):
    with pytest.raises(UserError) as caught:
        warmup_stable_decay(torch.optim.SGD(nn.Linear(2, 1).parameters()), 80, **{key: value})
    assert caught.value.key == f"scheduler.{key}"
