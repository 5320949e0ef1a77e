import pytest
from omegaconf import DictConfig, OmegaConf

from options import CONFIGS, computed, names
from quintet.base.errors import Code, UserError
from quintet.config.compatibility import check_choices, check_keys, fitting
from quintet.problems import PROBLEMS
from refusals import Refusal

TASKS = set(PROBLEMS)
KINDS = {"table", "image", "sequence", "tokens"}


def chosen(data="digits", **options) -> DictConfig:
    options = {"metric": "accuracy", "loss": "cross_entropy", "model": "mlp"} | options
    root = {g: OmegaConf.load(CONFIGS / g / f"{o}.yaml") for g, o in options.items()}
    root["data"] = OmegaConf.load(CONFIGS / "data" / f"{data}.yaml")
    known = {"facts": {"task": None, "kind": None}, "choices": options}
    return OmegaConf.create(root | known)


def test_choices_that_fit_pass():
    check_choices(chosen())


@pytest.mark.parametrize(
    ("options", "key", "value", "fits"),
    [
        ({"loss": "mse"}, "loss", "mse", "loss=cross_entropy"),
        ({"metric": "rmse"}, "metric", "rmse", "metric=accuracy"),
        ({"model": "gru"}, "model", "gru", "model=cnn"),
        ({"data": "digits_multilabel", "metric": "f1"}, "loss", "cross_entropy", "loss=bce"),
    ],
)
def test_a_misfit_is_refused_with_what_fits(options, key, value, fits):
    with pytest.raises(UserError) as refused:
        check_choices(chosen(**options))
    error = refused.value
    assert (error.code, error.key, error.value) == (Code.INCOMPATIBLE, key, value)
    assert fits in error.allowed


def test_all_misfits_are_named_at_once():
    with Refusal(Code.INCOMPATIBLE, match=r"loss=.*metric=.*model="):
        check_choices(chosen("diabetes", model="cnn"))


def test_what_is_only_known_once_read_is_checked_then():
    cfg = chosen("csv")
    check_choices(cfg)
    cfg.facts.task = "regression"
    with Refusal(Code.INCOMPATIBLE, match="does not fit a regression"):
        check_choices(cfg)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_task_has_a_loss_and_a_metric_or_a_module_that_has_both(task):
    own = list(fitting("module", task)) != ["supervised"]
    assert own or (list(fitting("loss", task)) and list(fitting("metric", task)))
    assert {*PROBLEMS[task].defaults.values()} <= {*names("metric"), *names("loss"), "unet"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_model(kind):
    assert list(fitting("model", kind))


@pytest.mark.parametrize(
    ("group", "allowed"),
    [("loss", TASKS), ("metric", TASKS), ("model", KINDS | {"segmentation", "language_modelling"})],
)
def test_every_option_says_what_it_fits(group, allowed):
    for name in computed() if group == "metric" else names(group):
        fits = OmegaConf.load(CONFIGS / group / f"{name}.yaml").fits
        assert fits
        assert set(fits) <= allowed, name


def test_an_unknown_top_level_key_is_refused_with_the_nearest():
    with Refusal(Code.UNKNOWN_NAME, "modle"):
        check_keys(OmegaConf.create({"modle": {}}))


@pytest.mark.parametrize(("key", "value"), [("seed", "abc"), ("seed", 1.5), ("compile", 1)])
def test_a_top_level_key_of_another_type_is_refused(key, value):
    with pytest.raises(UserError) as refused:
        check_keys(OmegaConf.create({key: value}))
    error = refused.value
    assert (error.code, error.key, error.value) == (Code.WRONG_TYPE, key, value)


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_number_out_of_range_is_refused_and_no_name_suggested(value):
    with pytest.raises(UserError) as refused:
        check_keys(OmegaConf.create({"seed": value}))
    assert refused.value.code is Code.OUT_OF_RANGE
    assert str(refused.value).endswith(f"={value} is out of range. Allowed: 0 to 4294967295.")


def test_two_averages_at_once_are_refused():
    node = {"_target_": "quintet.training.callbacks.ema.EMA"}
    check_keys(OmegaConf.create({"callbacks": {"ema": node, "swa": None}}))
    with pytest.raises(UserError) as refused:
        check_keys(OmegaConf.create({"callbacks": {"ema": node, "swa": node}}))
    assert (refused.value.code, refused.value.key) == (Code.CONFLICT, "callbacks")


def test_seed_zero_is_a_seed():
    check_keys(OmegaConf.create({"seed": 0, "callbacks": {}, "logger": {}}))
