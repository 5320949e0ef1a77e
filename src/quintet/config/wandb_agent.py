"""Runs started by `wandb agent`, which sets every parameter, even those of other options."""

import json
from collections.abc import Mapping, Sequence

VARIABLE = "QUINTET_WHEN"
Conditions = Mapping[str, Mapping[str, Sequence[str]]]
"""The options, by group, for which each key exists."""


def applicable(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the overrides whose key exists for the chosen options.

    Args:
        arguments: arguments of train.py.
        environment: environment with the conditions of the sweep's file; if missing, all overrides
            are kept.

    Examples:
        >>> when = {VARIABLE: '{"optimizer.momentum": {"optimizer": ["sgd_momentum"]}}'}
        >>> applicable(["optimizer=adam", "optimizer.momentum=0.9"], when)
        ['optimizer=adam']

    """
    conditions: Conditions = json.loads(environment.get(VARIABLE, "{}"))
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)

    def exists(key: str) -> bool:
        return all(
            exists(owner) and given.get(owner) in options
            for owner, options in conditions.get(key, {}).items()
            if owner != key
        )

    return [argument for argument in arguments if exists(argument.partition("=")[0])]
