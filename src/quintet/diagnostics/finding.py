"""The result of a check."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: name of the check.
        verdict: pass; warn: worth checking; fail: training would be useless.
        seen: what was measured and what was expected.
        cure: how to fix it; empty for a pass.

    """

    name: str
    verdict: Verdict
    seen: str
    cure: str = ""


def make_finding(name: str, verdict: Verdict, seen: str, cure: str) -> Finding:
    """Return a finding, without a fix if the check passed."""
    return Finding(name, verdict, seen, "" if verdict == "pass" else cure)
