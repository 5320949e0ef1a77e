"""The errors that are ours: what a user can put right, and training that went astray."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake the user can mend; shown as its message alone, with exit code 1.

    The message says what was given, what is allowed, the nearest valid name and what to do.
    """


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number; training further is a waste."""

    def __init__(self) -> None:
        super().__init__(
            "The loss became NaN or infinite, so training stopped. "
            "Try a lower optimizer.lr, trainer.gradient_clip_val=1.0, or another init."
        )


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say which allowed name is closest to `name`, and what is allowed.

    Examples:
        >>> nearest("adm", ["adam", "sgd"])
        "Did you mean 'adam'? Allowed: adam, sgd."
        >>> nearest("xyz", ["adam", "sgd"])
        'Allowed: adam, sgd.'

    """
    options = sorted(allowed)
    close = get_close_matches(name, options, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Allowed: {', '.join(options) or 'nothing'}."
