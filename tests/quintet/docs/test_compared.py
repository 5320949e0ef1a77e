"""docs/compared.md: each command of its table is among those that are typed page by page."""

import re

from docs.pages import ROOT, blocks

PAGE = ROOT / "docs/compared.md"


def test_every_command_of_the_table_is_typed() -> None:
    text = PAGE.read_text("utf-8")
    told = set(re.findall(r"^\|.*`(python src/[^`]+)` \|$", text, re.MULTILINE))
    typed = {line for block in blocks(text) for line in block.text.splitlines()}
    assert len(told) > 10
    assert told == typed


def test_every_row_says_how_it_is_done_here() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert all(row.split("|")[-2].strip() for row in rows)
