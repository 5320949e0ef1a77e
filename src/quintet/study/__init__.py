"""The state of a sweep: trials, storage, search space, leaderboard.

`Study.read(folder).frame()` returns the leaderboard of a sweep folder as a DataFrame.
"""

from typing import TYPE_CHECKING

from quintet.base.lazy import lazy

if TYPE_CHECKING:
    from quintet.study.study import Study
    from quintet.study.trial import Trial

__all__ = ["Study", "Trial"]
__getattr__ = lazy(__name__, {"Study": "study", "Trial": "trial"})
