"""Checks of a node's arguments against the signature of its target."""

import inspect
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from quintet.base.errors import Code, UserError, suggestion

POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
"""Kinds of parameters that accept a positional argument."""


def locate(path: object, where: str) -> Callable[..., Any]:
    """Import the class or function that `_target_: path` names at config node `where`.

    `quintet.config.trust` checks beforehand whether a config may name it.

    Raises:
        UserError: there is no such class or function.

    """
    if not is_path(path):
        raise UserError(
            "is not the path of a class or function",
            code=Code.WRONG_TYPE,
            key=f"{where}._target_",
            value=path,
            hint="Give its full path, such as torch.nn.Linear.",
        )
    package, _, name = str(path).rpartition(".")
    try:
        owner = _owner(package)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"cannot be imported: {error}",
            code=Code.UNKNOWN_NAME,
            key=f"{where}._target_",
            value=path,
        ) from error
    if not callable(found := getattr(owner, name, None)):
        public = [n for n in dir(owner) if not n.startswith("_") and callable(getattr(owner, n))]
        raise UserError(
            f"does not exist: there is no {name} in {package}",
            code=Code.UNKNOWN_NAME,
            key=f"{where}._target_",
            value=path,
            hint=suggestion(name, public),
        )
    return found  # type: ignore[no-any-return]


def is_path(path: object) -> bool:
    """Return whether a value is a dotted path of a name in a module, such as `os.mkdir`."""
    parts = path.split(".") if isinstance(path, str) else []
    return len(parts) > 1 and all(map(str.isidentifier, parts))


def _owner(path: str) -> Any:
    """Return the module, or the class inside a module, at `path`."""
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        package, _, name = path.rpartition(".")
        if not package or error.name != path:
            raise
        inner = getattr(_owner(package), name)
        if not inspect.isclass(inner):
            raise ImportError(f"there is no module {path}", name=path) from error
        return inner


def parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class or function by name, without **kwargs.

    A C function may not expose its parameters; it then accepts any argument.
    """
    try:
        return dict(inspect.signature(target).parameters)
    except ValueError:
        return {"any": inspect.Parameter("any", inspect.Parameter.VAR_KEYWORD)}


def check_arguments(target: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """Check the names and types of arguments for `target`.

    Raises:
        UserError: an argument is unknown or has a wrong type.

    """
    takes = parameters(target)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in takes.values())
    names = [n for n, p in takes.items() if p.kind is not p.VAR_KEYWORD]
    hints = hints_of(target)
    for key, value in arguments.items():
        if key not in takes and not open_ended:
            raise UserError(
                f"is unknown: {target.__qualname__} takes no {key!r} argument",
                code=Code.UNKNOWN_NAME,
                key=f"{where}.{key}",
                allowed=names,
            )
        _check_known(value, hints.get(key), f"{where}.{key}")


def check_positional(
    target: Callable[..., Any], values: Sequence[Any], named: Container[str], where: str
) -> None:
    """Check the number and types of positional arguments for `target`.

    Args:
        target: class or function.
        values: positional arguments.
        named: names of the keyword arguments.
        where: key of the arguments in the config.

    Raises:
        UserError: there are too many, one is also given by name, or one has a wrong type.

    """
    taken = [p for p in parameters(target).values() if p.kind in POSITIONAL]
    more = next((p for p in taken if p.kind is p.VAR_POSITIONAL), None)
    single = [p for p in taken if p is not more]
    if len(values) > len(single) and more is None and "any" not in parameters(target):
        raise UserError(
            f"are {len(values)}, and {target.__qualname__} takes {len(single)} by position",
            code=Code.OUT_OF_RANGE,
            key=where,
            value=list(values),
            hint="Give the others by name.",
        )
    hints = hints_of(target)
    for i, value in enumerate(values):
        name = single[i].name if i < len(single) else more.name if more else ""
        if i < len(single) and name in named:
            raise UserError(
                f"gives {name}, which is given by name as well",
                code=Code.CONFLICT,
                key=f"{where}[{i}]",
                value=value,
            )
        _check_known(value, hints.get(name), f"{where}[{i}]")


def _check_known(value: Any, hint: Any, where: str) -> None:
    """Check the type of a value, if it is known and there is a hint.

    A fact that is not known yet is null; nested nodes are checked separately.
    """
    if hint is not None and value is not None and not _has_nodes(value):
        _check_type(value, hint, where)


def _has_nodes(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_nodes, value)))


def hints_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Return those annotations of a class's or function's parameters that can be resolved."""
    # Accuracy and similar classes of torchmetrics define __new__ but not __init__.
    if inspect.isclass(target):
        own_new = "__new__" in vars(target) and "__init__" not in vars(target)
        function: Any = target.__new__ if own_new else target.__init__
    else:
        function = target
    try:
        return {k: v for k, v in get_type_hints(function).items() if k != "return"}
    except Exception:  # an annotation that exists only for type checkers
        return {}


def _check_type(value: Any, hint: Any, where: str) -> None:
    from typeguard import TypeCheckError, check_type

    # YAML has no tuples: a list is accepted for a tuple.
    spellings = (value, tuple(value)) if isinstance(value, list) else (value,)
    for spelling in spellings:
        try:
            check_type(spelling, hint)
            return
        except TypeCheckError:
            continue
    text = written(hint)
    if isinstance(value, str) and "Literal[" in text:
        raise UserError(
            "is unknown",
            code=Code.UNKNOWN_NAME,
            key=where,
            value=value,
            allowed=sorted(set(_names(hint))),
        )
    if isinstance(value, list) and (length := _length(hint)) not in (None, len(value)):
        what = "numbers" if "float" in text else "values"
        allowed, problem = f"{length} {what}", f"is a list of {len(value)}"
    else:
        allowed, problem = text, f"is of type {type(value).__name__}"
    raise UserError(problem, code=Code.WRONG_TYPE, key=where, value=value, allowed=[allowed])


def written(hint: Any) -> str:
    """Return an annotation as source code, without a tensor that nobody can type instead."""
    text = hint.__name__ if inspect.isclass(hint) else str(hint)
    for left_out in ("typing.", "collections.abc.", " | torch.Tensor"):
        text = text.replace(left_out, "")
    return text


def _names(hint: Any) -> Iterator[str]:
    """Yield the literal values and the other types in an annotation."""
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _names(part)
    elif get_origin(hint) is Literal:
        yield from map(str, get_args(hint))
    elif hint is not NoneType:
        yield written(hint)


def _length(hint: Any) -> int | None:
    """Return the length that a tuple annotation requires, if any."""
    parts = get_args(hint)
    return len(parts) if get_origin(hint) is tuple and Ellipsis not in parts else None
