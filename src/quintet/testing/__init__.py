"""Contract tests over every option of a project's configs, and helpers for tests of your own.

A test file with `from quintet.testing.contract import *` tests every option, the team's and the
engine's: parts are built and called, models run on every kind of input, and each option takes part
in a short training run. Helpers for tests of your own are `ran` and `composed`:

    record = ran(tmp_path, *SHORT, "data=moons", "model=my_net")

Put `pytest.register_assert_rewrite("quintet.testing")` into a conftest.py, so that a failing
contract test shows the compared values.
"""

from quintet.testing.compose import build, facts, names, node, read
from quintet.testing.running import SHORT, composed, ran

__all__ = ["SHORT", "build", "composed", "facts", "names", "node", "ran", "read"]
