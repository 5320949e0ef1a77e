"""Every search space and strategy can be planned as a sweep."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.core.utils import setup_globals
from hydra.types import RunMode

from quintet.base.paths import CONFIGS
from quintet.sweep import plan
from quintet.testing.compose import names

STRATEGIES = [name for name in names("sweeper") if name != "base"]


@pytest.fixture(scope="session")
def loader() -> ConfigLoaderImpl:
    """Return Hydra's loader of the project's configs."""
    Plugins.instance()
    return ConfigLoaderImpl(create_config_search_path(f"file://{CONFIGS}"))


@pytest.fixture
def settled(
    loader: ConfigLoaderImpl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., plan.Plan]:
    """Return the plan of a sweep: `settled("sweeper=random", "optimizer.lr=0.1,0.2")`."""
    monkeypatch.setenv("PROJECT_ROOT", str(tmp_path))
    setup_globals()

    def settle(*arguments: str, inspected: Iterable[str] = ()) -> plan.Plan:
        named = any(argument.startswith("study=") for argument in arguments)
        given = [*arguments, *([] if named else [f"hydra.sweep.dir={tmp_path}"])]
        config = loader.load_configuration("train", given, RunMode.MULTIRUN)
        return plan.make_plan(config, loader, arguments, inspected)

    return settle


@pytest.mark.parametrize("name", names("search_space"))
def test_a_search_space_has_points(settled: Callable[..., Any], name: str) -> None:
    plan = settled("sweeper=random", f"search_space={name}")
    assert plan.space.parameters
    for number in range(3):
        assert plan.sampler.suggest([], plan.space, number, 0, "max") is not None


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_built(settled: Callable[..., Any], name: str) -> None:
    plan = settled(f"sweeper={name}", "optimizer.lr=0.1,0.2")
    assert plan.sampler.total(plan.space) in (None, 2)
