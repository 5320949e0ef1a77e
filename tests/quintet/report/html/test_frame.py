"""The frame of every report, in a real browser."""

import re

import pytest
from markupsafe import Markup

import browsing
from quintet.report.html.blocks import (
    CodeBlock,
    Commands,
    FactList,
    Fold,
    Headline,
    Note,
    Picture,
    Text,
)
from quintet.report.html.figure import Figure, axis
from quintet.report.html.frame import Page, Section
from quintet.report.html.table import Copy, Link, Number, Table

HOSTILE = '<img src=x onerror="document.title=1">&"\'</script><!--${x} 名'
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8ffff3f0005fe02fea735810000000049454e44ae426082"
)


def everything(name):
    """A page with `name` wherever a name can be."""
    rows = [[f"{name} {i}", Number(i / 3, f"{i / 3:.2f}"), i if i else None] for i in range(12)]
    curve = {"type": "scatter", "x": [1, 2, 3], "y": [1.0, float("nan"), 2.0], "name": name}
    head = [Headline(name, name), Note(name, "warn"), FactList({name: name})]
    blocks = [
        *(Text(name, name), CodeBlock(name), Fold(name, [Text(name)]), Commands({name: name})),
        Table(name, [name, "value (1)", "count"], rows, shown=5),
        Table(name, [name], [[Link(name, name)], [Copy(name, name)]]),
        Picture(PIXEL, name, name),
        Figure(name, [curve], {"xaxis": axis(f"{name} (s)"), "yaxis": axis("P")}, caption=name),
    ]
    return Page(name, name, head, [Section(name, blocks, name)], name)


@pytest.fixture(scope="module")
def chromium():
    with browsing.browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    everything(HOSTILE).write(path)
    return path


def test_a_page_is_one_small_ascii_file(written):
    text = written.read_bytes()
    assert text.isascii()
    assert len(text) < 2.5e6


def test_a_page_without_charts_carries_no_library():
    assert len(Page("Run", "plain", [Text("a")]).html()) < 50_000


def test_hostile_names_are_shown_letter_by_letter(chromium, written):
    page = browsing.opened(chromium, written)
    assert page.locator("img").count() == 1, "of the picture alone"
    assert page.title() != "1"
    for selector in ("h1", "h2", ".headline", ".note", "dd", "summary", "figcaption", "td a"):
        assert HOSTILE in (page.locator(selector).first.text_content() or "")
    assert HOSTILE in page.locator(".chart .xtitle").text_content()


def test_in_a_figure_only_markup_may_hold_plotlys_tags():
    name = "<b>P</b> & 'Q'"
    hover = Markup("{}<br>%{{y}}<extra></extra>").format(name)
    traces = [{"name": name, "x": [name], "y": [float("nan")], "hovertemplate": hover}]
    given = Figure("any", traces, {"xaxis": axis(name)}).given
    shown = "&lt;b&gt;P&lt;/b&gt; &amp; &#39;Q&#39;"
    assert given["data"] == [
        {
            "name": shown,
            "x": [shown],
            "y": [None],
            "hovertemplate": f"{shown}<br>%{{y}}<extra></extra>",
        }
    ]
    assert given["layout"]["xaxis"]["title"] == {"text": shown}


def test_what_is_no_block_is_escaped_where_a_block_stands():
    assert "<u>" not in Fold("any", ["<u>no block</u>"]).html()


def test_a_table_sorts_by_the_whole_number_and_leaves_empty_cells_last(chromium, written):
    page = browsing.opened(chromium, written)
    table = page.locator(".table").first

    def column(index):
        return table.locator(f"tbody tr:visible td:nth-child({index})").all_inner_texts()

    assert len(column(1)) == 5
    table.locator(".more").click()
    table.get_by_role("button", name="count").click()
    assert column(3) == [*map(str, range(11, 0, -1)), ""]
    table.get_by_role("button", name="count").click()
    assert column(3) == [*map(str, range(1, 12)), ""]
    table.get_by_role("button", name="value").click()
    assert column(2)[:2] == ["3.67", "3.33"]


def test_a_table_is_filtered_by_words_and_by_words_left_out(chromium, written):
    page = browsing.opened(chromium, written)
    table = page.locator(".table").first
    table.locator("input").fill("3.")
    assert table.locator("tbody tr:visible").count() == 3
    table.locator("input").fill("3. -3.33")
    assert table.locator("tbody tr:visible").count() == 2
    assert table.locator(".count").inner_text() == "2 of 12"


@pytest.fixture
def linked(chromium, tmp_path):
    """A table of twelve trials and their lines through two axes, falling on the second one."""
    lines = {"type": "scatter", "mode": "lines", "name": "all"}
    lines |= {"x": [0, 1, None] * 12, "meta": [str(i) for i in range(12)]}
    lines |= {"y": [at for i in range(12) for at in (i / 11, 1 - i / 11, None)]}
    lines |= {"text": [f"trial {i}" for i in range(12)]}
    marks = [{"x": axis, "y": y, "text": f"{y}"} for axis in (0, 1) for y in (0, 1)]
    chart = Figure("lines", [lines], {"annotations": marks}, brushes={"a": 0, "b": 0})
    rows = [[i, "even" if i % 2 == 0 else "odd"] for i in range(12)]
    keys = [str(i) for i in range(12)]
    table = Table("Trials", ["trial", "kind"], rows, shown=5, keys=keys)
    path = tmp_path / "linked.html"
    Page("Sweep", "linked", [], [Section("All", [table, chart])]).write(path)
    return browsing.opened(chromium, path, 390)


def drawn(page):
    page.wait_for_timeout(200)
    return page.evaluate(
        "document.querySelector('.plot').data.flatMap((trace) => trace.text ?? [])"
    )


def shown(page):
    return page.locator("tbody tr:visible td:first-child").all_inner_texts()


def test_the_filter_of_a_table_keeps_the_lines_of_its_rows(linked):
    linked.locator(".table input").fill("even")
    assert {*drawn(linked)} == {f"trial {i}" for i in range(0, 12, 2)}, (
        "not of the rows shown alone"
    )
    linked.locator(".table input").fill("")
    assert len({*drawn(linked)}) == 12


def test_the_ends_of_axes_filter_lines_and_rows_and_are_announced(linked):
    linked.get_by_label("a, lowest").fill("0.5")
    linked.get_by_label("b, lowest").fill("0.2")
    assert {*drawn(linked)} == {"trial 6", "trial 7", "trial 8"}
    assert shown(linked) == ["6", "7", "8"]
    assert linked.locator(".chart [role=status]").inner_text() == "3 of 12 trials"
    assert linked.locator(".table .count").inner_text() == "3 of 12"
    assert linked.get_by_label("a, lowest").get_attribute("aria-valuetext") == "above 0, below 1"
    linked.locator(".table input").fill("odd")
    assert {*drawn(linked)} == {"trial 7"}
    linked.locator(".table input").fill("")
    linked.locator(".chart").get_by_role("button", name="Show all").click()
    assert len({*drawn(linked)}) == 12
    assert shown(linked) == [str(i) for i in range(5)]


def test_one_end_of_an_axis_does_not_pass_the_other(linked):
    linked.get_by_label("a, highest").fill("0.3")
    linked.get_by_label("a, lowest").fill("0.8")
    assert linked.get_by_label("a, lowest").input_value() == "0.3"


def test_axes_can_be_moved_in_the_dark_and_where_the_page_is_resized(linked):
    before = linked.get_by_label("b, lowest").bounding_box()["x"]
    linked.set_viewport_size({"width": 800, "height": 900})
    linked.wait_for_function(
        "(least) => document.querySelectorAll('.brush')[1].getBoundingClientRect().x > least",
        arg=before + 100,
    )
    linked.emulate_media(color_scheme="dark")
    linked.get_by_label("a, lowest").fill("0.95")
    assert {*drawn(linked)} == {"trial 11"}
    assert linked.troubles == []


def test_a_command_is_copied_whole(chromium, written):
    page = browsing.opened(chromium, written)
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator(".command .copy").click()
    assert page.evaluate("window.copied") == HOSTILE


@pytest.mark.parametrize("width", [390, 1400])
def test_light_and_dark_on_every_width(chromium, written, width):
    page = browsing.opened(chromium, written, width)
    assert browsing.fits(page)
    title = page.locator(".chart .xtitle")
    light = title.evaluate("node => getComputedStyle(node).fill")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "before => getComputedStyle(document.querySelector('.xtitle')).fill !== before", arg=light
    )
    red, green, blue = map(
        int,
        re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3],
    )
    assert max(red, green, blue) < 64
    assert page.troubles == []
