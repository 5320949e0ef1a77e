"""Rules for the engine's own options; `quintet.testing.option_contract` tests every option."""

import pytest

from options import TASKS, node, options, own, read, template_only
from quintet.testing.option_contract import FITTING

GROUPS = ["metric", "loss", "optimizer", "scheduler", "module"]


@template_only
@pytest.mark.parametrize(("group", "option"), [(g, o) for g in GROUPS for o in own(g)])
def test_says_in_its_first_line_what_it_is(group, option):
    first = options(group)[option].read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


@template_only
@pytest.mark.parametrize("option", [o for o in own("metric") if o != "logged"])
def test_a_metric_is_named_as_its_file(option):
    assert read("metric", option)["name"] == option


OF_A_MODULE = {
    task for option in own("module") for task in read("module", option).get("fits") or ()
}
"""Tasks of a module that computes loss and metrics itself."""


@pytest.mark.parametrize("task", [task for task in TASKS if task not in OF_A_MODULE])
@pytest.mark.parametrize("group", ["metric", "loss"])
def test_every_task_has_an_option(group, task):
    assert [option for g, option, t in FITTING if (g, t) == (group, task)]


@pytest.mark.parametrize("option", [o for o in own("loss") if o not in ("bce", "weighted_bce")])
def test_softmax_losses_do_not_claim_multilabel(option):
    config = node("loss", option)
    if config["num_outputs"] == 3:  # sized by classes, of which the multiclass facts have three
        assert "multilabel" not in config["fits"]
