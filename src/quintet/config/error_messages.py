"""Conversion of library errors to `UserError`: the value, what is allowed, and a hint."""

import re
import shlex
from typing import Any

from quintet.base import paths
from quintet.base.errors import Code, DivergedError, UserError
from quintet.base.files import disk_error, unusable
from quintet.base.quoting import quoted
from quintet.base.secrets import redact
from quintet.config import known_signatures, renamed_options
from quintet.config.instantiate import TARGET

FILLED_IN = ("facts", "choices", "overrides")
"""Nodes of a config that the run fills in."""
UNSET = re.compile(r"Environment variable '([^']+)' not found")
"""OmegaConf's message for an environment variable that is not set."""


def as_user_error(error: BaseException) -> UserError:
    """Convert an error of any library to a `UserError`, with the fields that are known.

    An error of an unknown kind keeps its type and message, with a hint to use debug=true.
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
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        problem, code = "is not an option", Code.UNKNOWN_NAME
        now = renamed_options.current(group, name)
        hint = f"Its name is now {now}." if now else ""
        return UserError(
            problem, code=code, key=group, value=name, allowed=error.options, hint=hint
        )
    if isinstance(error, MissingMandatoryValue):
        key = str(error.full_key or str(error).rpartition(" ")[2])
        problem, hint = "is required and has no value", f"Give {key}=<value>."
        return UserError(problem, code=Code.MISSING_VALUE, key=key, hint=hint)
    if isinstance(cause := error.__cause__, OmegaConfBaseException):
        failed = UserError(f"{_first_line(error)} {_first_line(cause)}", code=Code.FAILED)
        return _unknown_key(cause) or _unresolved(cause) or failed
    if isinstance(error, OmegaConfBaseException):
        failed = UserError(_first_line(error), code=Code.FAILED)
        return _unknown_key(error) or _unresolved(error) or failed
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override or "", str(error))
    if isinstance(error, HydraException):
        found = _unknown_group(str(error)) or _appended(str(error))
        return found or UserError(str(error), code=Code.FAILED)
    return None


def _unknown_key(error: Any) -> UserError | None:
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError

    if not isinstance(error, ConfigAttributeError | ConfigKeyError) or error.key is None:
        return None
    parent = error.parent_node
    found = [str(k) for k in parent] if parent is not None and hasattr(parent, "keys") else []
    keys = [k for k in found if not k.startswith("_") and k not in FILLED_IN]
    key = str(error.full_key or error.key)
    target = parent.get(TARGET) if "_target_" in [*found] else None
    if str(error.key) in known_signatures.parameters(target):
        return UserError(
            f"is an argument of {target}, but not in its YAML",
            code=Code.UNKNOWN_NAME,
            key=key,
            hint=f"Give +{key}=<value>.",
        )
    return UserError("is not a key", code=Code.UNKNOWN_NAME, key=key, allowed=keys)


def _unresolved(error: Any) -> UserError | None:
    """Return the error for a reference (`${...}`) without a value; None for any other."""
    from omegaconf.errors import InterpolationResolutionError

    if not isinstance(error, InterpolationResolutionError):
        return None
    key = str(error.full_key) if error.full_key else None
    text = None if error.child_node is None else str(error.child_node)
    unset = UNSET.search(str(error))
    what = f"the environment variable {unset[1]} is not set" if unset else _first_line(error)
    todo = ", or ".join((["set it"] if unset else []) + ([f"give {key}=<value>"] if key else []))
    return UserError(
        f"{'' if key else 'A reference '}cannot be resolved: {what}",
        code=Code.MISSING_VALUE,
        key=key,
        value=text,
        hint=todo[:1].upper() + todo[1:],
    )


def _unreadable(override: str, message: str) -> UserError:
    """Return the error for an override that cannot be parsed, without terms of Hydra's grammar."""
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
    """Return the error for an unknown group, which Hydra only names in its message."""
    if "No match in the defaults list" not in message:
        return None
    name = message.split("'")[1]
    allowed = list(paths.groups())
    if name in allowed:
        return UserError(
            "is not a choice of this command",
            code=Code.INCOMPATIBLE,
            key=name,
            hint="Leave it out; --help lists what the command takes",
        )
    return UserError("is not a group", code=Code.UNKNOWN_NAME, key=name, allowed=allowed)


def _appended(message: str) -> UserError | None:
    """Return the error for a + before a key that already exists."""
    if not message.startswith("Could not append to config."):
        return None
    key = message.split("'")[1]
    return UserError(
        "is in the config already",
        code=Code.CONFLICT,
        key=key,
        hint=f"Leave the + out, as in {key}=<value>; ++{key}=<value> sets a key in either case.",
    )


def _first_line(error: BaseException) -> str:
    return redact(str(error)).strip().splitlines()[0]
