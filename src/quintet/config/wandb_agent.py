"""A run that `wandb agent` starts: W&B draws every parameter, also those of options not chosen."""

import json
from collections.abc import Mapping, Sequence

VARIABLE = "QUINTET_WHEN"
Conditions = Mapping[str, Mapping[str, Sequence[str]]]
"""Of a key: the options, by group, beside which it exists."""


def applicable(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the overrides whose key exists beside the others.

    Args:
        arguments: of train.py.
        environment: where the sweep's file has put its conditions; without it all are kept.

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
