"""A composed node against the signature it is about to call: the annotations are the schema."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from quintet.errors import UserError, nearest
from quintet.paths import package

# What a config may name. A config can come with somebody else's run folder, and naming any
# importable function there would be running their code: so nothing else is called.
OURS = (
    *("models", "losses", "metrics", "inits", "optimizers", "schedulers", "data", "callbacks"),
    *("loggers", "sweep.samplers", "sweep.schedulers"),
)
PROJECT = tuple(f"{name}." for name in filter(None, [package()]))
TRUSTED = (
    *PROJECT,
    *(f"quintet.{name}." for name in OURS),
    "torch.nn.",
    "torch.optim.",
    "torchmetrics.",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.strategies.",
    "lightning.pytorch.plugins.",
    "lightning.pytorch.profilers.",
)
HOMES = (*PROJECT, "quintet.", "torch.nn.", "torch.optim.", "torchmetrics.", "lightning.pytorch.")
"""Where a trusted class or function is defined, whatever path leads to it."""


def locate(path: str, where: str) -> Callable[..., Any]:
    """Import the class or function that `_target_: path` names at config node `where`.

    Raises:
        UserError: the path is not of a trusted package, or does not exist.

    """
    if not isinstance(path, str) or not path.startswith(TRUSTED):
        raise _untrusted(path, where)
    package, _, name = path.rpartition(".")
    try:
        owner = _owner(package)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{where}._target_={path!r} cannot be imported: {error}.") from error
    if not callable(found := getattr(owner, name, None)):
        public = [n for n in dir(owner) if not n.startswith("_") and callable(getattr(owner, n))]
        hint = nearest(name, public).split(" Allowed")[0]
        raise UserError(f"{where}._target_={path!r}: {package} has no {name!r}. {hint}")
    # A module's imports are reachable through it, and are not what the prefix vouches for.
    if not (getattr(found, "__module__", None) or "").startswith(HOMES):
        raise _untrusted(path, where)
    return found  # type: ignore[no-any-return]


def _owner(path: str) -> Any:
    """Return the module, or class inside a module, that `path` names."""
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


def _untrusted(path: object, where: str) -> UserError:
    return UserError(
        f"{where}._target_={path!r} is not trusted, so it was not called. Allowed: "
        f"{', '.join(TRUSTED)}. If this is your own code, move it into the package, or add "
        "its package to TRUSTED and HOMES in src/quintet/signature.py."
    )


def parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class or function by name; a mistake cannot hide in **kwargs."""
    return dict(inspect.signature(target).parameters)


def check_arguments(target: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """Check names and types of `arguments` before `target` is called with them.

    Raises:
        UserError: an argument that is not taken, or of a type that is not.

    """
    takes = parameters(target)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in takes.values())
    names = [n for n, p in takes.items() if p.kind is not p.VAR_KEYWORD]
    hints = _hints(target)
    for key, value in arguments.items():
        if key not in takes and not open_ended:
            raise UserError(
                f"{where}.{key}={value!r}: {target.__qualname__} takes no {key!r}. "
                f"{nearest(key, names)}"
            )
        # A fact that is not known yet is null; a node of its own is checked on its own.
        if key in hints and value is not None and not isinstance(value, dict):
            _check_type(value, hints[key], f"{where}.{key}")


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    # Accuracy and its like in torchmetrics are built by __new__ and have no __init__ of their own.
    if inspect.isclass(target):
        own_new = "__new__" in vars(target) and "__init__" not in vars(target)
        function: Any = target.__new__ if own_new else target.__init__
    else:
        function = target
    try:
        return {k: v for k, v in get_type_hints(function).items() if k != "return"}
    except Exception:  # a library's annotation that only its type checker can read
        return {}


def _check_type(value: Any, hint: Any, where: str) -> None:
    from typeguard import TypeCheckError, check_type

    # YAML has no tuples: a list serves where a tuple is asked for.
    spellings = (value, tuple(value)) if isinstance(value, list) else (value,)
    for spelling in spellings:
        try:
            check_type(spelling, hint)
            return
        except TypeCheckError:
            continue
    text = _written(hint)
    if isinstance(value, str) and "Literal[" in text:
        raise UserError(f"{where}={value!r} is not known. {nearest(value, set(_names(hint)))}")
    if isinstance(value, list) and (length := _length(hint)) not in (None, len(value)):
        what = "numbers" if "float" in text else "values"
        raise UserError(f"{where}={value!r} is a list of {len(value)}. Allowed: {length} {what}.")
    raise UserError(f"{where}={value!r} is of type {type(value).__name__}. Allowed: {text}.")


def _written(hint: Any) -> str:
    """Return an annotation as it is written in code."""
    text = hint.__name__ if inspect.isclass(hint) else str(hint)
    return text.replace("typing.", "").replace("collections.abc.", "")


def _names(hint: Any) -> Iterator[str]:
    """Yield the values that an annotation lists, and the types beside them."""
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _names(part)
    elif get_origin(hint) is Literal:
        yield from map(str, get_args(hint))
    elif hint is not NoneType:
        yield _written(hint)


def _length(hint: Any) -> int | None:
    """Return how many values an annotation of a tuple asks for, if it says so."""
    parts = get_args(hint)
    return len(parts) if get_origin(hint) is tuple and Ellipsis not in parts else None
