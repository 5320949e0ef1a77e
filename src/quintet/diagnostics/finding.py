"""The result of a check."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: what was checked.
        verdict: pass; warn, worth checking; fail, training would be wasted.
        seen: what was measured, and what was expected.
        cure: what to do about it; empty for a pass.

    """

    name: str
    verdict: Verdict
    seen: str
    cure: str = ""


def make_finding(name: str, verdict: Verdict, seen: str, cure: str) -> Finding:
    """Return a finding, whose cure is left out where nothing is wrong."""
    return Finding(name, verdict, seen, "" if verdict == "pass" else cure)
