"""Expects the mistake that a `UserError` reports by its fields, so that messages can change."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from quintet.base.errors import Code, UserError


@dataclass
class Refusal:
    """A context in which a `UserError` with these fields is raised; it may be entered repeatedly.

    Args:
        code: what kind of mistake.
        key: the config key or command-line word that holds it.
        value: what was given there; None to accept any.
        match: a pattern in the message, for what no field says, such as a line of a file.

    """

    code: Code
    key: str | None = None
    value: Any = None
    match: str | None = None
    _open: Any = field(default=None, repr=False, compare=False)

    def __enter__(self) -> pytest.ExceptionInfo[UserError]:
        self._open = pytest.raises(UserError, match=self.match)
        return self._open.__enter__()  # type: ignore[no-any-return]

    def __exit__(self, *raised: Any) -> bool:
        if not self._open.__exit__(*raised):
            return False
        error: UserError = raised[1]
        found = Refusal(error.code, error.key, None if self.value is None else error.value)
        expected = Refusal(self.code, self.key, self.value)
        assert found == expected, f"{found} instead of {expected}: {error}"
        return True
