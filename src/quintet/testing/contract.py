"""All contract tests; `from quintet.testing.contract import *` in a test file runs them."""

from quintet.testing.data_contract import *  # noqa: F403
from quintet.testing.model_contract import *  # noqa: F403
from quintet.testing.option_contract import *  # noqa: F403
from quintet.testing.run_contract import *  # noqa: F403
from quintet.testing.sweep_contract import *  # noqa: F403
