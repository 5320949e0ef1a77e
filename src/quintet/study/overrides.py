"""The overrides of a sweep's command line, and checks of what can be swept."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.base.hydra_internals import SEARCHPATH
from quintet.config.error_messages import FILLED_IN
from quintet.config.run_folder import GROUPS, one_choice

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

    from quintet.study.space import Params

OF_THE_SWEEP = ("study", "search_space", "test", "hydra", "trust")
"""Keys of the sweep itself, which its trials do not get."""
NOT_TRAINING = ("test", "report", "debug", "baselines")
"""Keys that do not affect how a trial is trained."""
ONE_VALUE = {
    "sweeper": "a sweep has one strategy",
    "metric": "the values of two metrics cannot be compared",
    "cv": "means over different folds cannot be compared",
    "experiment": "each brings a metric and a strategy of its own",
    "search_space": "[a,b] in brackets joins several spaces",
    "study": "a sweep is one study",
    "hydra": "a sweep has one setting of Hydra's",
    "paths": "a sweep is one folder",
    "resume": "a sweep begins new runs",
    "trust": "it does not affect how a model is trained",
    **dict.fromkeys(NOT_TRAINING, "it does not affect how a model is trained"),
}
"""Keys that cannot be swept, and why."""

ONE_CHOICE = (*GROUPS, "sweeper/sampler", "sweeper/scheduler", "trainer", "paths")
"""Groups of which one option is chosen; callbacks, loggers and spaces are joined by [a,b]."""
PLACE = re.compile(r"(?!\w+://)|(file|pkg)://")
"""How an entry of `hydra.searchpath` begins."""


def read(arguments: Iterable[str], loader: "ConfigLoader | None" = None) -> "list[Override]":
    """Return the overrides of a command line.

    Args:
        arguments: as typed, without Hydra's flags.
        loader: Hydra's, needed to expand a glob over options.

    Raises:
        OverrideParseException: an argument is not an override.
        UserError: a key cannot be set or swept, a swept key is given twice, or a value is not one
            that Hydra itself can take.

    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    for override in overrides:
        _check_filled_in(override)
        _check_option(override)
        _check_one_choice(override)
        _check_search_path(override)
    swept = [override for override in overrides if override.is_sweep_override()]
    for override in swept:
        _check_can_vary(override)
        if twice := [o for o in overrides if bare(o) == bare(override) and o is not override]:
            raise UserError(
                f"is given twice: {override.input_line} and {twice[0].input_line}",
                code=Code.CONFLICT,
                key=bare(override),
                hint="Give it once, with all of its values",
            )
    return overrides


def _check_filled_in(override: "Override") -> None:
    """Refuse facts.task=regression: the data say it."""
    if root_of(key := bare(override).lstrip("~")) in FILLED_IN:
        raise UserError(
            "is filled in by the run and cannot be set",
            code=Code.CONFLICT,
            key=key,
            value=str(override.input_line).partition("=")[2] or None,
            hint="Leave it out. What the data are follows from data=",
        )


def _check_option(override: "Override") -> None:
    """Raise an error for scheduler=null, optimizer=3 and callbacks=[3], which crash Hydra."""
    group, value = override.key_or_group, override.value()
    if not paths.is_group(group) or (override.is_delete() and value is None):
        return
    joined = value if isinstance(value, list) and group not in ONE_CHOICE else []
    odd = [each for each in joined if not isinstance(each, str)]
    if odd or value is None or type(value) in (bool, int, float):
        raise UserError(
            "is not the name of an option"
            if not odd
            else "has an entry that is not the name of an option",
            code=Code.UNKNOWN_NAME,
            key=group,
            value=override.get_value_string(),
            allowed=paths.options(group),
        )


def _check_one_choice(override: "Override") -> None:
    """Refuse model=[mlp,cnn]: Hydra joins the options, and the last one wins where they meet."""
    from hydra.core.override_parser.types import ChoiceSweep

    group, value = override.key_or_group, override.value()
    tried = value.list if isinstance(value, ChoiceSweep) else [value]
    if group not in ONE_CHOICE or not any(isinstance(each, list) for each in tried):
        return
    names = [str(n) for each in tried for n in (each if isinstance(each, list) else [each])]
    sweep = [*dict.fromkeys(names)] if root_of(group) not in ONE_VALUE else []
    raise one_choice(group, override.get_value_string(), sweep if len(sweep) > 1 else ())


def _check_search_path(override: "Override") -> None:
    """Refuse hydra.searchpath=[http://...]: configs are read from this machine."""
    if bare(override) != SEARCHPATH:
        return
    given = override.value()
    if isinstance(given, list) and all(isinstance(p, str) and PLACE.match(p) for p in given):
        return
    raise UserError(
        "is not a list of folders of configs on this machine",
        code=Code.WRONG_TYPE,
        key=SEARCHPATH,
        value=override.get_value_string(),
        allowed=["[<folder>]", "[file://<folder>]", "[pkg://<package>]"],
        hint="Download configs from elsewhere first, and look at them: they may name any code",
    )


def _check_can_vary(override: "Override") -> None:
    key = bare(override)
    if override.is_delete():
        raise UserError(
            f"{override.input_line}: ~ removes a node of the config and cannot be swept",
            code=Code.CONFLICT,
            hint=f"Give the values to try, {key}=a,b, or ~{key} alone",
        )
    root = root_of(key)
    if root in ONE_VALUE:
        raise UserError(
            f"cannot be swept: {ONE_VALUE[root]}",
            code=Code.CONFLICT,
            key=key,
            value=override.get_value_string(),
            hint="Give one value, or start one sweep for each",
        )


def bare(override: "Override") -> str:
    """Return the key of an override without + or ~; for a group, with its package."""
    return override.get_key_element().lstrip("+~")


def root_of(key: str) -> str:
    """Return the top-level key that a key belongs to.

    Examples:
        >>> root_of("sweeper/sampler"), root_of("optimizer.lr"), root_of("seed")
        ('sweeper', 'optimizer', 'seed')

    """
    return key.replace("/", ".").partition(".")[0].partition("@")[0]


def assignments(params: "Params") -> list[str]:
    """Return params as overrides."""
    return [f"{key}={value}" for key, value in params.items()]


def value_text(value: object) -> str:
    """Return a value as it is typed on the command line.

    Examples:
        >>> value_text(True), value_text(None), value_text(1e-4)
        ('true', 'null', '0.0001')

    """
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def for_trial(override: "Override") -> bool:
    """Return whether an override is for the trials; the others are for the sweep itself."""
    key = bare(override)  # `sweeper=` itself is a choice, kept in a trial's record
    return root_of(key) not in OF_THE_SWEEP and not key.startswith(("sweeper.", "sweeper/"))
