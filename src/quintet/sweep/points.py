"""Params that the user wants to try after the defaults: the rows of a CSV file, or a list."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quintet.artifacts.csv_cells import NUMBER, restored
from quintet.base.errors import Code, UserError
from quintet.config.compatibility import top_level
from quintet.study.overrides import root_of, value_text
from quintet.study.ranking import COLUMNS, SPREAD, STEERED
from quintet.study.space import Parameter, Params, Space
from quintet.study.study import Study
from quintet.sweep.samplers import Sampler
from quintet.sweep.samplers.proposals import Proposals

KEY = "sweeper.try"
KEPT = "tried_first"
"""The study attribute that stores them, so that a sweep can continue without the file."""
OF_A_LEADERBOARD = {*COLUMNS, SPREAD, STEERED}
"""Columns that are not parameters, as a leaderboard.csv is a valid file as well."""


def read(
    given: str | Sequence[Mapping[str, Any]] | None,
    space: Space,
    defaults: Params | None,
    sampler: Sampler,
) -> list[Params]:
    """Return the params of each row of a file, or of each mapping of a list.

    An empty cell, or a parameter without a column, is the config's own value.

    Raises:
        UserError: the file is missing, a column or value is not in the space, or the strategy tries
            every value anyway.

    """
    if given is None:
        return []
    if not (sampler.starts_with_defaults or isinstance(sampler, Proposals)):
        raise UserError(
            "has no effect: this strategy tries every value anyway",
            code=Code.CONFLICT,
            key=KEY,
            value=given,
            hint="Leave it out, or choose another strategy, such as sweeper=random",
        )
    columns, rows = _of_file(given) if isinstance(given, str) else _of_list(given)
    known = [p.key for p in space.parameters]
    for column in columns:
        if column not in known:
            raise UserError(
                f"has {column!r}, which this sweep does not vary",
                code=Code.UNKNOWN_NAME,
                key=KEY,
                value=given,
                allowed=known,
            )
    return [_params(row, place, given, space, defaults or {}) for place, row in rows.items()]


def _of_file(path: str) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return the columns of a file, and its rows by their position in it."""
    if not Path(path).is_file():
        raise UserError("does not exist", code=Code.NOT_FOUND, key=KEY, value=path)
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            columns = _columns(reader.fieldnames or ())
            rows = {f"line {n}": row for n, row in enumerate(reader, 2)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, str(error)) from error
    if not columns:
        raise _unreadable(path, "it is empty")
    if longer := [place for place, row in rows.items() if None in row]:
        raise _unreadable(path, f"{longer[0]} has more cells than the header")
    return columns, {n: {k: restored(v or "") for k, v in row.items()} for n, row in rows.items()}


def _unreadable(path: str, why: str) -> UserError:
    return UserError(
        f"is not a table of params: {why}",
        code=Code.DATA,
        key=KEY,
        value=path,
        hint="Give a CSV file in UTF-8: a header of keys, and a row for each trial",
    )


def _of_list(given: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return the keys of a list of mappings, and its rows by their position in it."""
    rows = {
        f"point {n}": {str(key): value_text(value) for key, value in point.items()}
        for n, point in enumerate(given)
    }
    return list(dict.fromkeys(key for row in rows.values() for key in row)), rows


def _columns(names: Sequence[str]) -> list[str]:
    """Return the columns of parameters; a leaderboard has others as well."""
    if not {*COLUMNS} <= {*names}:
        return [*names]
    keys = top_level()
    return [n for n in names if n not in OF_A_LEADERBOARD and root_of(n.lstrip("+")) in keys]


def _params(
    row: Mapping[str, str], place: str, given: Any, space: Space, defaults: Params
) -> Params:
    params: Params = {}
    for p in space.parameters:
        if not space.active(p, params):
            continue
        value = _of_space(p, row.get(p.key) or defaults.get(p.key))
        if value is None or not p.contains(value):
            raise UserError(
                f"has no {p.key} in {place}, and the config's own value is outside the space"
                if value is None
                else f"has {p.key}={value} in {place}, which is outside the space",
                code=Code.OUT_OF_RANGE,
                key=KEY,
                value=given,
                allowed=[str(p)],
            )
        params[p.key] = value
    return params


def _of_space(parameter: Parameter, value: str | None) -> str | None:
    """Return a number as the space writes it, 0.0001 for 1e-4; anything else as it is."""
    if value is None or parameter.contains(value) or not NUMBER.fullmatch(value):
        return value
    numbers = (v for v in getattr(parameter, "values", ()) if NUMBER.fullmatch(v))
    return next((v for v in numbers if float(v) == float(value)), value)


def kept(points: tuple[Params, ...], study: Study) -> tuple[Params, ...]:
    """Return the params that a study tries first: those given when it was created."""
    if (begun := study.optuna.user_attrs.get(KEPT)) is None:
        study.optuna.set_user_attr(KEPT, begun := list(points))
    return tuple(begun)
