import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # parent.py, the stand-in sweep


@pytest.fixture(autouse=True)
def _stand_in_finds_quintet(monkeypatch):
    paths = [str(HERE.parents[2] / "src"), os.environ.get("PYTHONPATH")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
