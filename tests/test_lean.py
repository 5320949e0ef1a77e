import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"


def run(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SRC, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


START = "import sys; from quintet.lean import import_torchmetrics; import_torchmetrics()\n"


def test_torchmetrics_comes_without_scipy_signal_which_works_when_asked_for():
    code = (
        "import torch, torchmetrics; same = torch.tensor([1, 0, 1])\n"
        "print('scipy.signal' in sys.modules)\n"
        "print(torchmetrics.Accuracy(task='binary')(same, same).item())\n"
        "import scipy.signal; print(scipy.signal.lfilter([1], [1], [5.0])[0])"
    )
    assert run(START + code).split() == ["False", "1.0", "5.0"]


def test_who_wants_it_meanwhile_gets_the_real_module():
    code = (
        "import sys; from quintet.lean import Later\n"
        "sys.modules['scipy.signal'] = Later('scipy.signal')\n"
        "from scipy.signal import lfilter; from scipy.signal.windows import hann\n"
        "import scipy.signal; print(scipy.signal.lfilter is lfilter, hann(3)[1])"
    )
    assert run(code) == "True 1.0"
