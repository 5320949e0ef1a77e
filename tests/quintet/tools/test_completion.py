"""TAB completion in real shells: options, keys, experiments; other files are unaffected."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ASK = """
source tools/completion.sh
PATH={python}:$PATH
ask() {{
  {ksh}
  COMP_LINE=$1 COMP_POINT=${{#1}}
  COMPREPLY=()
  _complete_command
  echo "${{COMPREPLY[*]}}"
}}
"""


def asked(shell: str, *lines: str) -> list[list[str]]:
    """Complete each line in one shell."""
    ksh = "setopt localoptions ksharrays" if shell == "zsh" else ":"  # as its bashcompinit does
    script = ASK.format(python=Path(sys.executable).parent, ksh=ksh)
    script += "".join(f'ask "{line}"\n' for line in lines)
    quiet = ["--norc"] if shell == "bash" else ["-f"]
    done = subprocess.run(
        [shell, *quiet, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line.split() for line in done.stdout.splitlines()]


def there(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "configs" / group).glob("*.yaml"))


def test_bash_lists_what_can_follow():
    options, experiments, lists, keys, other = asked(
        "bash",
        "python src/train.py optimizer=",
        "python3 src/train.py model=cnn experiment=",
        "python src/train.py -m callbacks=[ema,t",
        "python src/train.py model=cnn model.d",
        "python tests/runs.py optimizer=",
    )
    assert options == there("optimizer")
    assert experiments == there("experiment")
    assert lists == ["[ema,timer"]
    assert keys == ["model.depth=", "model.dropout="]
    assert other == []  # it was not run to be asked


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_lists_what_can_follow():  # whose words do not end at an equals sign
    options, lists = asked(
        "zsh", "python src/train.py loss=", "python src/train.py -m optimizer=adam,s"
    )
    assert options == [f"loss={option}" for option in there("loss")]
    assert "optimizer=adam,sgd" in lists


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_lists_what_can_follow():
    line = "source tools/completion.fish; complete -C 'python src/train.py init='"
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        ["fish", "--no-config", "-c", line], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.stdout.split() == [f"init={option}" for option in there("init")]
