"""The options that a test needs, determined at collection from its code and its marks.

A test says `data=wine` in the words that it gives a command, or has a parameter `data` that is
`wine`; `@pytest.mark.needs("data/wine")` is for one that names an option in another way.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

HERE = Path(__file__).parent


def needed(item: pytest.Function, options: Iterable[str]) -> list[str]:
    """Return which of some options, such as data/wine, a test needs."""
    declared = {option for mark in item.iter_markers("needs") for option in mark.args}
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    params = getattr(item, "callspec", None)
    said = [item.function, params and params.params, *(f.func for each in fixtures for f in each)]
    words = {word for text in _texts(said, set()) for word in text.split()}
    words |= {f"{name}={value}" for name, value in params.params.items()} if params else set()
    return [o for o in options if o in declared or any(_names(word, o) for word in words)]


def of_group(group: str, names: Iterable[str]) -> list[Any]:
    """Return names to parametrize a test by, each of which needs that option of the group."""
    return [pytest.param(name, marks=pytest.mark.needs(f"{group}/{name}")) for name in names]


def _names(word: str, option: str) -> bool:
    """Tell whether a word is an option: data=wine, model=mlp,cnn, data/wine or its file."""
    group, _, name = option.partition("/")
    key, _, values = word.strip("'\"").lstrip("+~").partition("=")
    return (key == group and name in values.split(",")) or key.endswith((option, f"{option}.yaml"))


def _texts(part: Any, seen: set[int]) -> Iterator[str]:
    """Yield the strings of data and of functions, with all of the suite that these refer to."""
    if isinstance(part, str | Path):
        yield str(part)
        return
    if id(part) in seen:
        return
    seen.add(id(part))
    for inside in _parts(part):
        yield from _texts(inside, seen)


def _parts(part: Any) -> Iterable[Any]:
    if isinstance(part, Mapping):
        return [*part.keys(), *part.values()]
    if isinstance(part, list | tuple | set | frozenset):
        return part
    if isinstance(part, partial):
        return [part.func, part.args, part.keywords]
    if isinstance(part, CodeType):
        return part.co_consts
    if isinstance(part, FunctionType) and HERE in Path(part.__code__.co_filename).parents:
        return [part.__code__, [part.__globals__.get(name) for name in _all_names(part.__code__)]]
    return []


def _all_names(code: CodeType) -> set[str]:
    inner = (_all_names(const) for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*inner)
