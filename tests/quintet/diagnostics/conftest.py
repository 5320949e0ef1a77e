import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # subjects.py


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    from subjects import subject

    return subject(tmp_path_factory.mktemp("digits"))
