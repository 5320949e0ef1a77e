"""Expects a `UserError` by its fields, so that messages can change."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from quintet.base.errors import Code, UserError
from quintet.config.error_messages import as_user_error


@dataclass
class Refusal:
    """A context in which a `UserError` with these fields is raised; it may be entered repeatedly.

    Or in which a command exits with the message of such an error.

    Args:
        code: what kind of mistake.
        key: the config key or command-line word that holds it.
        value: what was given there; None to accept any.
        allowed: the valid values; None to accept any.
        match: a pattern in the message, for what no field says, such as a line of a file.

    """

    code: Code
    key: str | None = None
    value: Any = None
    match: str | None = None
    allowed: tuple[str, ...] | None = None
    _open: Any = field(default=None, repr=False, compare=False)

    def __enter__(self) -> pytest.ExceptionInfo[UserError]:
        self._open = pytest.raises((UserError, SystemExit), match=self.match)
        return self._open.__enter__()  # type: ignore[no-any-return]

    def __exit__(self, *raised: Any) -> bool:
        if not self._open.__exit__(*raised):
            return False
        error = raised[1].__context__ if isinstance(raised[1], SystemExit) else raised[1]
        error = as_user_error(error)
        for name in (
            "code",
            "key",
            *(n for n in ("value", "allowed") if getattr(self, n) is not None),
        ):
            found, expected = getattr(error, name), getattr(self, name)
            assert found == expected, f"{name} {found!r} instead of {expected!r}: {error}"
        return True
