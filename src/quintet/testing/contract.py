"""Every contract test: `from quintet.testing.contract import *` in a test file runs them all."""

from quintet.testing.data import *  # noqa: F403
from quintet.testing.models import *  # noqa: F403
from quintet.testing.parts import *  # noqa: F403
from quintet.testing.runs import *  # noqa: F403
from quintet.testing.sweeps import *  # noqa: F403
