"""The engine's own errors: mistakes that a user can fix, and diverged training."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """The kind of mistake that a `UserError` reports, for programs and tests."""

    UNKNOWN_NAME = "unknown-name"  # an option, key, class or column that does not exist
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    MISSING_VALUE = "missing-value"
    CONFLICT = "conflict"  # two choices that exclude each other
    INCOMPATIBLE = "incompatible"  # a choice that is incompatible with the data or another choice
    NOT_FOUND = "not-found"  # a file, folder, checkpoint or study
    EXISTS = "exists"  # a file or folder that would be overwritten
    IN_USE = "in-use"  # another process is working there
    DAMAGED = "damaged"  # a file with invalid content
    NOT_TRUSTED = "not-trusted"  # code or a path that a config from elsewhere may not name
    SECRET = "secret"  # a plaintext secret
    DATA = "data"  # data that cannot be used as configured
    UNAVAILABLE = "unavailable"  # a missing device or package
    DISK = "disk"  # full, read-only or failing
    FAILED = "failed"  # an operation that failed
    USAGE = "usage"  # any other mistake


UNNAMED = (Code.WRONG_TYPE, Code.OUT_OF_RANGE, Code.INCOMPATIBLE, Code.MISSING_VALUE)
"""Codes of mistakes other than a misspelt name, for which no name is suggested."""


class UserError(Exception):
    """A mistake that the user can fix; printed without a traceback, with exit code 1.

    The fields are for programs; the message is rendered from them in one place:
    `<key>=<value> <problem>. Did you mean <nearest>? Allowed: <allowed>. <hint>`

    Args:
        problem: what is wrong: a sentence, or with `key` its predicate ("is not a folder").
        code: the kind of mistake.
        key: the config key or command-line argument with the mistake.
        value: the given value; None if the key itself is unknown.
        allowed: the valid values.
        hint: what to do.

    Examples:
        >>> print(UserError("is unknown", key="optimizer", value="adm", allowed=["adam", "sgd"]))
        optimizer=adm is unknown. Did you mean 'adam'? Allowed: adam, sgd.
        >>> print(UserError("is unknown", key="optimizer.lrr", allowed=["lr", "betas"]))
        optimizer.lrr is unknown. Did you mean 'lr'? Allowed: betas, lr.
        >>> print(UserError("The run has no end", hint="Give trainer.max_epochs=30"))
        The run has no end. Give trainer.max_epochs=30.

    """

    def __init__(
        self,
        problem: str,
        *,
        code: Code = Code.USAGE,
        key: str | None = None,
        value: Any = None,
        allowed: Iterable[object] = (),
        hint: str = "",
    ) -> None:
        self.problem, self.code, self.key, self.value, self.hint = problem, code, key, value, hint
        self.allowed: Sequence[str] = tuple(map(str, allowed))
        super().__init__(self._rendered())

    @property
    def statement(self) -> str:
        """The problem with its key and value, without a fix."""
        subject = "" if self.key is None else self.key
        if self.key is not None and self.value is not None:
            subject += f"={self.value}"
        return f"{subject} {self.problem}".strip()

    def _rendered(self) -> str:
        choice = self._choice() if self.allowed else ""
        return " ".join(_sentence(part) for part in (self.statement, choice, self.hint) if part)

    def _choice(self) -> str:
        """Return the allowed values, and the one closest to the value or to an unknown key."""
        if self.code in UNNAMED or (self.key is None and self.value is None):
            return f"Allowed: {', '.join(self.allowed)}"
        given = str(self.value) if self.value is not None else str(self.key).rpartition(".")[2]
        return nearest(given, self.allowed)


def check_known(key: str, value: object, allowed: Collection[str]) -> None:
    """Check a value that is one of several names.

    Raises:
        UserError: the value is none of them.

    """
    if value not in allowed:
        raise UserError("is unknown", code=Code.UNKNOWN_NAME, key=key, value=value, allowed=allowed)


def _sentence(text: str) -> str:
    """Return the text with a full stop if it does not end with punctuation."""
    return text if text.rstrip()[-1:] in ".?!:`'\"" or "\n" in text else f"{text}."


class DivergedError(ArithmeticError):
    """The loss is no longer finite."""

    def __init__(self) -> None:
        super().__init__(
            "The loss became NaN or infinite, so training stopped. "
            "Try a lower optimizer.lr, trainer.gradient_clip_val=1.0, or another init."
        )


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a sentence with the allowed name closest to `name`, and one with all of them.

    Examples:
        >>> nearest("adm", ["adam", "sgd"])
        "Did you mean 'adam'? Allowed: adam, sgd."
        >>> nearest("xyz", ["adam", "sgd"])
        'Allowed: adam, sgd.'

    """
    options = sorted(allowed)
    return f"{suggestion(name, options)} Allowed: {', '.join(options) or 'nothing'}.".lstrip()


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Return a question with the closest allowed name; "" if none is close.

    A name with the same letters in another order is preferred to one with additional letters.

    Examples:
        >>> suggestion("adm", ["adam", "sgd"]), suggestion("xyz", ["adam", "sgd"])
        ("Did you mean 'adam'?", '')
        >>> suggestion("modle", ["model", "module"])
        "Did you mean 'model'?"

    """
    close = get_close_matches(name, sorted(allowed))
    close.sort(key=lambda each: sorted(each) != sorted(name))
    return f"Did you mean '{close[0]}'?" if close else ""
