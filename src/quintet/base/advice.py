"""Warnings issued before training, each with what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A problem that does not stop the run, and its fix; `str` gives both in this order.

    Args:
        seen: the problem, without a full stop.
        cure: the fix.

    """

    seen: str
    cure: str

    def __str__(self) -> str:
        return f"{self.seen}. {self.cure}"
