"""Every preset and strategy composes for the models, optimizers and data there are."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from quintet.base.errors import Code, UserError
from quintet.config.instantiate import checked
from quintet.study.grammar import preset
from quintet.study.overrides import assignments, read
from quintet.study.space import Choice, Interval
from refusals import Refusal
from usual import every

CONFIGS = Path(__file__).parents[3] / "configs"
PRESETS = sorted(p.stem for p in (CONFIGS / "search_space").glob("*.yaml"))


OF_MODELS = [p for p in PRESETS if "\nmodel" in (CONFIGS / f"search_space/{p}.yaml").read_text()]
"""The presets that vary models; the contract tests compose the others."""


@pytest.mark.parametrize("choice", ["model=linear", "model=gru"])
@pytest.mark.parametrize("name", every(6, OF_MODELS))
def test_a_preset_composes_for_a_model(settled, name, choice):
    plan = settled("sweeper=random", f"search_space={name}", choice)
    keys = [p.key for p in plan.space.parameters]
    if choice == "model=linear":
        assert not [k for k in keys if k.startswith("model.")]
    else:
        assert keys
    for number in range(3):
        assert plan.sampler.suggest([], plan.space, number, 0, "max") is not None


def test_the_command_line_wins_over_a_preset(settled):
    plan = settled("sweeper=random", "search_space=high", "optimizer.lr=0.5", "model.width=8,9")
    keys = {p.key: p for p in plan.space.parameters}
    assert "optimizer.lr" not in keys
    assert str(keys["model.width"]) == "8,9"


def test_presets_join(settled):
    plan = settled("sweeper=random", "search_space=[init,regularisation]")
    keys = [p.key for p in plan.space.parameters]
    assert keys == ["init", "optimizer.weight_decay", "model.dropout"]


def test_losses_are_tried_within_the_family_that_fits(settled):
    plan = settled("sweeper=random", "search_space=loss")
    assert set(plan.space["loss"].values) == {"cross_entropy", "focal"}
    plan = settled("sweeper=random", "search_space=loss", "loss=huber")
    assert [p.key for p in plan.space.parameters] == ["loss.delta"]


def test_what_an_option_owns_goes_with_it(settled):
    plan = settled("sweeper=random", "search_space=optimizer", "scheduler=constant")
    for number in range(40):
        point = plan.sampler.suggest([], plan.space, number, 0, "max")
        assert ("optimizer.momentum" in point) == (point["optimizer"] == "sgd_momentum")
    adam = settled("sweeper=random", "search_space=optimizer", "optimizer=adam")
    assert "optimizer.momentum" not in [p.key for p in adam.space.parameters]


def test_trial_0_is_the_config_as_it_stands(settled):
    plan = settled("sweeper=random", "optimizer.lr=tag(log,interval(1e-4,1))", "model.width=9,256")
    assert plan.defaults == {"optimizer.lr": "0.001", "model.width": "256"}


def test_the_sweeps_own_words_stay_out_of_the_trials(settled):
    plan = settled("sweeper=random", "sweeper.n_trials=3", "study=x", "seed=7", "optimizer.lr=1,2")
    assert plan.fixed == ("sweeper=random", "seed=7")
    assert plan.settings.seed == 7


def test_the_grammar_makes_parameters(loader):
    from quintet.study.grammar import parameter

    def made(text):
        (override,) = read([text], loader)
        return parameter(override, {})

    assert made("a=1,2") == Choice("a", ("1", "2"), ordered=True)
    assert made("a=[1,2],[3]").values == ("[1,2]", "[3]")
    assert made("a={x:1},null,'b,c'").values == ("{x:1}", "null", "'b,c'")
    assert made("a=range(1,4)").values == ("1", "2", "3")
    assert made("a=choice(c,b)").values == ("c", "b")
    assert made("optimizer=glob(sgd*)").values == ("sgd", "sgd_momentum", "sgd_schedule_free")
    assert made("a=tag(log,interval(1e-4,1))") == Interval("a", 1e-4, 1, "log")
    assert made("a=tag(log,int(interval(1,64)))") == Interval("a", 1, 64, "log", integer=True)
    assert made("a=tag(reverse_log,interval(.9,.99))") == Interval("a", 0.9, 0.99, "reverse_log")
    with Refusal(Code.UNKNOWN_NAME, "a", "tag(lgo,interval(1,2))"):
        made("a=tag(lgo,interval(1,2))")


@pytest.mark.parametrize("entry", [3, {"values": "choice(a,b)", "if": "x"}, {"when": {}}, "0.1"])
def test_an_entry_that_is_no_range_is_refused(loader, entry):
    with pytest.raises(UserError, match=r"search_space: optimizer\.lr"):
        preset(loader, {"optimizer.lr": entry})


def test_a_preset_of_a_composed_config_is_checked_against_signatures(settled):
    """The values a preset may draw are values that the constructors take."""
    plan = settled("sweeper=random", "search_space=[high,medium,low]")
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for number in range(4):
            point = plan.sampler.suggest([], plan.space, number, 0, "max")
            cfg = compose("train", assignments(point))
            checked(cfg.optimizer, "optimizer")
            checked(cfg.init, "init")
