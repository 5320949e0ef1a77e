"""Errors of libraries as `UserError`s: the value, what is allowed, what to do."""

import os
import os
import shlex
from typing import Any

from quintet.base import paths
from quintet.base.errors import Code, DivergedError, UserError
from quintet.base.files import disk_error, unusable
from quintet.base.quoting import quoted
from quintet.base.secrets import redact
from quintet.config.references import NODE, value
from quintet.config.trust import REFERENCE
from quintet.config.trust import REFERENCE

FILLED_IN = ("facts", "choices", "overrides")
"""Nodes of a config that are filled in by the run."""


def as_user_error(error: BaseException) -> UserError:
    """Return an error of any library as a `UserError`, with the fields that it has.

    An error of an unknown kind keeps its type and message, with a hint to debug=true.
    """
    if isinstance(error, UserError):
        return error
    if isinstance(error, DivergedError):
        return UserError(str(error), code=Code.FAILED)
    found = _of_the_system(error) or _of_hydra(error)
    code = Code.DISK if disk_error(error) else Code.FAILED
    unknown = f"{type(error).__name__}: {error}\nAdd debug=true for the traceback."
    return found or UserError(unknown, code=code)


def _of_the_system(error: BaseException) -> UserError | None:
    """Return the error for a path that cannot be used; None for any other."""
    if isinstance(error, OSError) and error.filename:
        found = unusable(error, error.filename)
        hint = f"{found.hint} debug=true shows what needed it."
        return UserError(found.problem, code=found.code, hint=hint)
    if isinstance(cause := error.__cause__, OSError) and cause.filename:  # of Hydra's log file
        return unusable(cause, cause.filename)
    return None


def _of_hydra(error: BaseException) -> UserError | None:
    """Return the error for a config that cannot be composed or read; None for any other."""
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import (
        InterpolationResolutionError,
        MissingMandatoryValue,
        OmegaConfBaseException,
    )

    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        problem, code = "is not an option", Code.UNKNOWN_NAME
        return UserError(problem, code=code, key=group, value=name, allowed=error.options)
    if isinstance(error, MissingMandatoryValue):
        key = str(error.full_key or str(error).rpartition(" ")[2])
        problem, hint = "is required and has no value", f"Give {key}=<value>."
        return UserError(problem, code=Code.MISSING_VALUE, key=key, hint=hint)
    for each in (error, error.__cause__):
        if isinstance(each, InterpolationResolutionError):
            return _unresolved(each)
    if isinstance(cause := error.__cause__, OmegaConfBaseException):
        told = UserError(f"{_first_line(error)} {_first_line(cause)}")
        return _unknown_key(cause) or _unresolved(cause) or told
    if isinstance(error, OmegaConfBaseException):
        return _unknown_key(error) or _unresolved(error) or UserError(_first_line(error))
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override or "", str(error))
    if isinstance(error, HydraException):
        return _unknown_group(str(error)) or UserError(str(error))
    return None


def _unknown_key(error: Any) -> UserError | None:
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError

    if not isinstance(error, ConfigAttributeError | ConfigKeyError) or error.key is None:
        return None
    parent = error.parent_node
    found = [str(k) for k in parent] if parent is not None and hasattr(parent, "keys") else []
    keys = [k for k in found if not k.startswith("_") and k not in FILLED_IN]
    key = str(error.full_key or error.key)
    return UserError("is not a key", code=Code.UNKNOWN_NAME, key=key, allowed=keys)


def _unresolved(error: Any) -> UserError | None:
    """Return the error for a reference (`${...}`) without a value; None for any other."""
    from omegaconf.errors import InterpolationResolutionError

    if not isinstance(error, InterpolationResolutionError):
        return None
    key, text = str(error.full_key), str(error.child_node)
    found = REFERENCE.finditer(text)
    unset = [m[1] for m in found if m[2] is None and m[1] not in os.environ]
    what = f"the environment variable {unset[0]} is not set" if unset else _first_line(error)
    hint = f"Set it, or give {key}=<value>." if unset else f"Give {key}=<value>."
    return UserError(
        f"cannot be resolved: {what}", code=Code.MISSING_VALUE, key=key, value=text, hint=hint
    )


def _unresolved(error: Any) -> UserError:
    """Return the error for a key whose `${...}` has no value."""
    key, parent = str(error.full_key or error.key), error.parent_node
    config = _plain(parent._get_root()) if parent is not None else {}
    text = str(_plain(parent).get(error.key, "")) if parent is not None else ""
    if (name := _unset(text, config)) is None:
        problem = f"cannot be resolved: {_first_line(error)}"
        return UserError(problem, code=Code.MISSING_VALUE, key=key, value=text or None)
    return UserError(
        f"refers to the environment variable {name}, which is not set",
        code=Code.MISSING_VALUE,
        key=key,
        value=text,
        hint=f"Set it, as in `export {name}=...`, or give {key} another value.",
    )


def _plain(node: Any) -> dict[str, Any]:
    from omegaconf import DictConfig, OmegaConf

    found = OmegaConf.to_container(node, resolve=False) if isinstance(node, DictConfig) else {}
    return found if isinstance(found, dict) else {}  # type: ignore[return-value]


def _unset(text: object, config: dict[str, Any], depth: int = 9) -> str | None:
    """Return the variable without value or default that a text refers to, through other keys too."""
    for name, default in REFERENCE.findall(str(text)):
        if name not in os.environ and not default:
            return str(name)
    below = (value(config, first + rest) for first, rest in NODE.findall(str(text)) if depth)
    return next((name for each in below if (name := _unset(each, config, depth - 1))), None)


def _unreadable(override: str, message: str) -> UserError:
    """Return the error for an override that cannot be parsed, without Hydra's grammar."""
    lines = message.splitlines()
    key, equals, value = override.partition("=")
    as_text = f"{key}={quoted(value)}" if equals else 'key="a, b"'
    why = next((f": {line}" for line in lines if "while evaluating" in line), "")
    return UserError(
        f"{override} cannot be parsed{why}",
        code=Code.USAGE,
        hint="Allowed: key=value, and with -m key=a,b key=range(1,4) key=interval(0.1,0.9) or "
        "key=glob(a*). A value with commas, spaces, brackets or quotes of its own needs quotes, "
        f"which the shell must leave: {shlex.quote(as_text)}",
    )


def _unknown_group(message: str) -> UserError | None:
    """Return the error for an unknown group; Hydra names it in its message alone."""
    if "No match in the defaults list" not in message:
        return None
    name = message.split("'")[1]
    allowed = list(paths.groups())
    return UserError("is not a group", code=Code.UNKNOWN_NAME, key=name, allowed=allowed)


def _first_line(error: BaseException) -> str:
    return redact(str(error)).strip().splitlines()[0]
