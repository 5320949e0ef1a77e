"""Params that the user wants to try: the rows of a CSV file, after the defaults."""

import csv
from collections.abc import Sequence
from pathlib import Path

from quintet.artifacts.csv_cells import restored
from quintet.base.errors import Code, UserError
from quintet.config.compatibility import top_level
from quintet.study.overrides import root_of
from quintet.study.ranking import COLUMNS, SPREAD, STEERED
from quintet.study.space import Params, Space
from quintet.study.study import Study
from quintet.sweep.samplers import Sampler

KEY = "sweeper.try"
KEPT = "tried_first"
"""The study attribute that lists them, so that a sweep continues without the file."""
OF_A_LEADERBOARD = {*COLUMNS, SPREAD, STEERED}
"""Columns that are not parameters, as a leaderboard.csv is a valid file as well."""


def read(path: str | None, space: Space, defaults: Params | None, sampler: Sampler) -> list[Params]:
    """Return the params of each row of a file.

    An empty cell, or a parameter without a column, is the config's own value.

    Raises:
        UserError: the file is missing, a column or value is not in the space, or the strategy tries
            every value anyway.

    """
    if path is None:
        return []
    if not sampler.starts_with_defaults:
        raise UserError(
            "has no effect: this strategy tries every value anyway",
            code=Code.CONFLICT,
            key=KEY,
            value=path,
            hint="Leave it out, or choose another strategy, such as sweeper=random",
        )
    if not Path(path).is_file():
        raise UserError("does not exist", code=Code.NOT_FOUND, key=KEY, value=path)
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = _columns(reader.fieldnames or ())
        rows = list(reader)
    known = [p.key for p in space.parameters]
    for column in columns:
        if column not in known:
            raise UserError(
                f"has a column {column!r}, which this sweep does not vary",
                code=Code.UNKNOWN_NAME,
                key=KEY,
                value=path,
                allowed=known,
            )
    return [_params(row, line, path, space, defaults or {}) for line, row in enumerate(rows, 2)]


def _columns(names: Sequence[str]) -> list[str]:
    """Return the columns of parameters; a leaderboard has others as well."""
    if not {*COLUMNS} <= {*names}:
        return [*names]
    keys = top_level()
    return [n for n in names if n not in OF_A_LEADERBOARD and root_of(n.lstrip("+")) in keys]


def _params(row: dict[str, str], line: int, path: str, space: Space, defaults: Params) -> Params:
    params: Params = {}
    for p in space.parameters:
        if not space.active(p, params):
            continue
        value = restored(row.get(p.key) or "") or defaults.get(p.key)
        if value is None or not p.contains(value):
            raise UserError(
                f"has no {p.key} in line {line}, and the config's own value is outside the space"
                if value is None
                else f"has {p.key}={value} in line {line}, which is outside the space",
                code=Code.OUT_OF_RANGE,
                key=KEY,
                value=path,
                allowed=[str(p)],
            )
        params[p.key] = value
    return params


def kept(points: tuple[Params, ...], study: Study) -> tuple[Params, ...]:
    """Return the params that a study tries first: those that it was begun with."""
    if (begun := study.optuna.user_attrs.get(KEPT)) is None:
        study.optuna.set_user_attr(KEPT, begun := list(points))
    return tuple(begun)
