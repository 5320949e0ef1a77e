"""What is specific to this schedule: its closed form, and the same after a resume."""

import pytest
import torch

from project.schedulers.new_option import NewOption
from quintet.base.errors import Code, UserError


def schedule(timescale: float = 4) -> NewOption:
    return NewOption(torch.optim.SGD([torch.zeros(1)], lr=0.1), timescale)


def rates(scheduler: NewOption, ticks: int) -> list[float]:
    seen = []
    for _ in range(ticks):
        seen.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return seen


def test_the_rates_are_those_of_the_formula():
    assert rates(schedule(), 13) == pytest.approx([0.1 * (1 + t / 4) ** -0.5 for t in range(13)])


def test_it_goes_on_where_it_was_stopped():
    whole, first, second = schedule(), schedule(), schedule()
    before = rates(first, 5)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert before + rates(second, 5) == pytest.approx(rates(whole, 10))


def test_an_impossible_timescale_is_refused():
    with pytest.raises(UserError) as caught:
        schedule(timescale=0)
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "scheduler.timescale")
