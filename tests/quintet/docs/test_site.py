"""The site builds without a warning, and what is generated for it is complete."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "docs" / "site" / "build.py"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_site", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None, reason="pip install -e '.[docs]' brings zensical"
)
@pytest.mark.slow
def test_the_site_builds_strictly_and_without_a_warning():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "build"], capture_output=True, text=True, cwd=ROOT
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "No issues found" in said
    assert "griffe" not in said.lower(), said
    assert "warning" not in said.lower(), said
    home = (ROOT / "build/docs/site/index.html").read_text("utf-8")
    assert "five choices" in home


def test_the_page_of_options_has_every_option(build):
    page = build.options()
    for path in (ROOT / "configs").rglob("*.yaml"):
        group = path.parent.relative_to(ROOT / "configs").as_posix()
        if group in build.GROUPS:
            assert f"| `{path.stem}` |" in page.partition(f"## `{group}=`")[2], path
    assert "`lr: 0.001`" in page


def test_every_page_is_in_the_navigation(build):
    text = (SCRIPT.with_name("mkdocs.yml")).read_text("utf-8")
    listed = set(re.findall(r"[\w./-]+\.md", str(yaml.safe_load(text)["nav"])))
    there = {p.relative_to(ROOT / "docs").as_posix() for p in build.files()}
    assert there <= listed, f"not in the nav of mkdocs.yml: {there - listed}"


def test_links_follow_pages_to_their_place(build):
    pages = {"index.md", "sweeps.md", "contributing.md", "reference/index.md"}
    assert (
        build.linked("[s](docs/sweeps.md#measured)", "index.md", pages) == "[s](sweeps.md#measured)"
    )
    assert build.linked("[c](../CONTRIBUTING.md)", "sweeps.md", pages) == "[c](contributing.md)"
    assert build.linked("![h](assets/h.svg)", "architecture.md", pages) == "![h](assets/h.svg)"
    shown = build.linked("[![r](docs/assets/r.png)](docs/sweeps.md)", "index.md", pages)
    assert shown == "[![r](assets/r.png)](sweeps.md)"
    assert build.linked("[code](../src/train.py)", "sweeps.md", pages) == "code"
