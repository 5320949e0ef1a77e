"""What is specific to this strategy; test_contract.py tests the rest."""

from project.samplers.new_option import NewOption
from quintet.study.space import Choice, Interval, Space
from quintet.study.trial import Trial

SPACE = Space((Interval("lr", 1e-4, 1, "log"), Choice("kind", ("a", "b"))))


def swept(count, mode="max", sampler=None):
    """Sweep over a metric that is best at lr = 1e-2."""
    trials = []
    for number in range(count):
        point = (sampler or NewOption()).suggest(trials, SPACE, number, 3, mode)
        p = -abs(SPACE["lr"].unit(point["lr"]) - 0.5)
        trials.append(Trial(number, "completed", p if mode == "max" else -p, point))
    return trials


def test_points_lie_in_the_space():
    assert all(SPACE[k].contains(v) for trial in swept(20) for k, v in trial.params.items())


def test_it_finds_the_better_region_whichever_way_is_better():
    chance = sum(t.value for t in swept(30, sampler=NewOption(explore=1.0))[10:]) / 20
    for mode, sign in (("max", 1), ("min", -1)):
        later = sum(sign * t.value for t in swept(30, mode)[10:]) / 20
        assert later > chance + 0.05


def test_a_sweep_that_goes_on_suggests_what_it_would_have_suggested():
    trials = swept(8)
    assert NewOption().suggest(trials[:5], SPACE, 5, 3, "max") == trials[5].params
