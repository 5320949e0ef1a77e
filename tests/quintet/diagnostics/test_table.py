"""Each command of docs/practice.md composes: no option or key of it is gone."""

import os
import re
import shlex

import pytest
from hydra import compose, initialize_config_dir

from running import CONFIGS, ROOT
from usual import every

ROWS = re.findall(r"^\| .* \| `python src/(\w+)\.py (.*?)` \|$", (ROOT / "docs/practice.md").read_text(), re.M)  # fmt: skip # noqa: E501


@pytest.mark.parametrize(("command", "words"), every(3, ROWS), ids=[" ".join(r) for r in ROWS])
def test_a_practice_can_be_typed(command: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PROJECT_ROOT", str(ROOT))
    plain = re.sub(r"<overrides of [^>]*>", "", words)
    plain = re.sub(r"<[^>]*>", "folder", plain)
    plain = re.sub(r"(\w+=\w+),[\w,]+", r"\1", plain)  # of a sweep's values the first
    overrides = [word for word in shlex.split(plain) if word != "-m"]
    assert (ROOT / "src" / f"{command}.py").is_file()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        compose(command, overrides)


def test_the_table_was_found() -> None:
    assert len(ROWS) > 40
