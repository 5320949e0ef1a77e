"""An error of any library, as what its user needs to know of it."""

import shlex
from typing import Any

from quintet.base import paths
from quintet.base.errors import DivergedError, UserError, nearest
from quintet.base.files import unusable
from quintet.base.quoting import quoted
from quintet.base.secrets import redact

FILLED_IN = ("facts", "choices", "overrides")
"""Nodes of a config that nobody types."""


def explain(error: BaseException) -> str:
    """Return what a user needs to know of an error: the value, what is allowed, what to do."""
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    if isinstance(error, UserError | DivergedError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{unusable(error, error.filename)} debug=true shows what needed it."
    if isinstance(refused := error.__cause__, OSError) and refused.filename:  # by Hydra's own log
        return str(unusable(refused, refused.filename))
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={name}: there is no such option. {nearest(name, error.options)}"
    if isinstance(error, MissingMandatoryValue):
        key = error.full_key or str(error).rpartition(" ")[2]
        return f"{key}= is required and has no value. Give {key}=<value>."
    if isinstance(cause := error.__cause__, OmegaConfBaseException):
        return _unknown_key(cause) or f"{_first(error)} {_first(cause)}"
    if isinstance(error, OmegaConfBaseException):
        return _unknown_key(error) or _first(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override or "", str(error))
    if isinstance(error, HydraException):
        return _unknown_group(str(error)) or str(error)
    return f"{type(error).__name__}: {error}\nAdd debug=true for the traceback."


def as_user_error(error: BaseException) -> UserError:
    """Return an error of any library as one of ours; its message is that of `explain`."""
    return error if isinstance(error, UserError) else UserError(explain(error))


def _unknown_key(error: Any) -> str | None:
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError

    if not isinstance(error, ConfigAttributeError | ConfigKeyError) or error.key is None:
        return None
    parent = error.parent_node
    found = [str(k) for k in parent] if parent is not None and hasattr(parent, "keys") else []
    keys = [k for k in found if not k.startswith("_") and k not in FILLED_IN]
    return f"There is no key {error.full_key or error.key!r}. {nearest(str(error.key), keys)}"


def _unreadable(override: str, message: str) -> str:
    """Say that an override cannot be read; of Hydra's message, what is not about its grammar."""
    lines = message.splitlines()
    key, equals, value = override.partition("=")
    as_text = f"{key}={quoted(value)}" if equals else 'key="a, b"'
    why = next((f": {line}" for line in lines if "while evaluating" in line), "")
    return (
        f"{override} cannot be read{why}. Allowed: key=value, and with -m key=a,b key=range(1,4) "
        "key=interval(0.1,0.9) or key=glob(a*). A value with commas, spaces, brackets or quotes of "
        f"its own needs quotes, which the shell must leave: {shlex.quote(as_text)}"
    )


def _unknown_group(message: str) -> str | None:
    if "No match in the defaults list" not in message:
        return None
    name = message.split("'")[1]
    return f"There is no group {name!r} to choose from. {nearest(name, paths.groups())}"


def _first(error: BaseException) -> str:
    return redact(str(error)).strip().splitlines()[0]
