"""Which of a run's processes this is."""

import os


def is_first_rank() -> bool:
    """Tell whether this process writes the run's files, before any process group exists."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))
