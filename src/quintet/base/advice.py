"""What a part warns of before training, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """Something to be wary of; as text, what it is and then the cure.

    Args:
        seen: what is the matter, without a full stop.
        cure: what to do.

    """

    seen: str
    cure: str

    def __str__(self) -> str:
        return f"{self.seen}. {self.cure}"
