"""Every command and every piece of Python in the documentation runs, page by page, in order."""

import re
from pathlib import Path

import pytest
from docs import samples
from docs.pages import PAGES, ROOT, blocks, commands, inline
from docs.terminal import Terminal

WITH_CODE = [
    p for p in PAGES if any(b.language in ("bash", "python") for b in blocks(p.read_text("utf-8")))
]
NEWEST = {
    "run folder": "logs/train/runs",
    "sweep folder": "logs/train/sweeps",
    "run": "logs/train/runs",
    "study": "logs/train/sweeps",
}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    samples.write(tmp_path)
    return Terminal(tmp_path)


def filled_in(text: str, folder: Path) -> str:
    """Put the newest run or sweep where a command has <run> or <study>."""

    def newest(found: re.Match[str]) -> str:
        parent = NEWEST[found[1]]
        entries = sorted((folder / parent).iterdir(), key=lambda entry: entry.stat().st_ctime)
        return f"{parent}/{entries[-1].name}" if "folder" in found[1] else entries[-1].name

    return re.sub(r"<(run folder|sweep folder|run|study)>", newest, text)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs(page: Path, terminal: Terminal) -> None:
    for block in blocks(page.read_text("utf-8")):
        if block.skipped is not None:
            continue
        if block.title:
            target = terminal.folder / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        elif block.language == "bash":
            for command in commands(block.text):
                terminal.type(filled_in(command, terminal.folder), *block.words)
        elif block.language == "python":
            script = terminal.folder / "src" / "snippet.py"
            script.write_text(filled_in(block.text, terminal.folder))
            terminal.type("python src/snippet.py")


def test_what_is_not_run_says_why() -> None:
    for page in PAGES:
        for block in blocks(page.read_text("utf-8")):
            assert block.skipped is None or len(block.skipped.split()) > 2, f"{page}:{block.line}"


@pytest.mark.slow
def test_every_command_in_running_text_composes(terminal: Terminal) -> None:
    found = {c for p in PAGES for c in inline(p.read_text("utf-8"))}
    assert found
    for command in sorted(found):
        if not re.search(r"<|\.\.\.| -m |-sc |=my_", command):  # my_: what the reader adds
            terminal.type(f"{command} --cfg job")
