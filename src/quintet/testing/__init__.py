"""Contract tests over every option of a project's configs, and what tests of one's own need.

A test file that says `from quintet.testing.contract import *` tests each option, the team's and the
engine's, by existing: parts are built and called, models are run on every kind of input, and each
option takes part in a real, short run. For tests of one's own there are `ran` and `composed`:

    record = ran(tmp_path, *SHORT, "data=moons", "model=my_net")

Put `pytest.register_assert_rewrite("quintet.testing")` into a conftest.py, so that a failure of a
contract shows the values that it compared.
"""

from quintet.testing.compose import build, facts, names, node, read
from quintet.testing.running import SHORT, composed, ran

__all__ = ["SHORT", "build", "composed", "facts", "names", "node", "ran", "read"]
