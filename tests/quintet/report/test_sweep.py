"""A sweep's report, on a real sweep of digits: some trials complete, some are pruned, some fail."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

import browsing
from quintet.report.sweep import sweep_page as reports
from quintet.report.sweep.sweep_data import SweepData
from quintet.study import Study
from running import ROOT
from runs import SMALL, environment

TRAIN = str(ROOT / "src/train.py")
GRID = ("model.width=16,32", "optimizer.lr=0.01,0.0001,1e30")
RUNG = ("sweeper/scheduler=asha", "trainer.max_epochs=3")
SECTIONS = [s for s in reports.SECTIONS if s != "Trade-off"]  # that of several objectives


@pytest.fixture(scope="module")
def swept(once):
    """The folder of the sweep, and what it printed."""

    def make(folder):
        place = f"hydra.sweep.dir={folder}/digits"
        command = [sys.executable, TRAIN, "-m", *SMALL[:2], "baselines=false", *RUNG, *GRID, place]
        with (folder / "output.txt").open("w") as out:
            done = subprocess.run(command, stdout=out, stderr=out, env=environment(), timeout=240)
        assert done.returncode == 0, (folder / "output.txt").read_text()

    folder = once("reported_sweep", make)
    return folder / "digits", (folder / "output.txt").read_text()


@pytest.fixture(scope="module")
def chromium():
    with browsing.browser() as chromium:
        yield chromium


@pytest.fixture
def page(chromium, swept):
    page = browsing.opened(chromium, swept[0] / "report.html")
    yield page
    assert page.troubles == []
    page.close()


def report(sweep, **options):
    words = [f"{key}={value}" for key, value in options.items()]
    command = [sys.executable, str(ROOT / "src/report.py"), f"sweep={sweep}", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120)


def test_a_sweep_ends_with_its_report(swept):
    folder, said = swept
    assert re.search(r"report +\S*report\.html", said)
    assert (folder / "report.html").stat().st_size < 3e6


def test_the_first_screen_says_who_won_by_how_much_and_what_to_do(page, swept):
    first = page.locator("header").inner_text()
    best = json.loads((swept[0] / "best/result.json").read_text())
    assert f"{best['metric']['value']:.4f}" in first
    assert f"{best['test']['accuracy']:.4f}" in first
    for words in ("wins on digits", "runner-up", "95 % interval", "predict.py", "seed=1,2,3,4,5"):
        assert words in re.sub(r"\s+", " ", first)


def test_every_section_is_there_and_every_chart_drawn(page):
    assert page.locator("h2").all_inner_texts() == SECTIONS
    charts = page.locator("figure.chart")
    assert charts.count() >= 8
    assert charts.locator(".main-svg").count() >= charts.count()
    assert page.locator("figure.chart:not([data-drawn])").count() == 0


def test_what_was_spent_is_reported(page, swept):
    trials = [json.loads(p.read_text()) for p in swept[0].glob("trials/*/result.json")]
    busy = sum(trial["cpu_seconds"] for trial in trials)
    assert busy > 0
    assert f"{busy:.1f} s, sum over trials" in page.locator("#compute").inner_text()


def test_the_axes_have_names(page):
    for title in ("epochs", "CPU time, sum over trials (s)", "accuracy"):
        assert page.locator(".xtitle, .ytitle").get_by_text(title, exact=True).count() >= 1


def test_the_leaderboard_leads_to_each_trial_and_repeats_it(page, swept):
    board = page.locator("#leaderboard tbody tr")
    assert board.count() == 6
    assert set(board.locator("td:nth-child(2)").all_inner_texts()) == {
        "completed",
        "pruned",
        "diverged",
    }
    for link in board.locator("a").all():
        assert (swept[0] / link.get_attribute("href") / "result.json").is_file()
    again = board.first.locator("button").get_attribute("data-copy")
    assert "train.py" in again
    assert "optimizer.lr=0.01" in again


def test_the_ends_of_an_axis_leave_trials_out_here_and_in_the_table(page):
    chart = page.locator("figure.chart", has=page.locator(".brush"))
    rows = page.locator(".table").first.locator("tbody tr:visible")
    trials, all_rows = drawn(page), rows.count()
    end = chart.locator("input.lowest").last
    assert end.get_attribute("aria-label") == "accuracy, lowest"
    end.focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    page.wait_for_timeout(200)
    left = drawn(page)
    assert left
    assert left < trials
    assert {row.get_attribute("data-key") for row in rows.all()} == left
    assert end.get_attribute("aria-valuetext")
    chart.get_by_role("button", name="Show all").click()
    page.wait_for_timeout(200)
    assert drawn(page) == trials
    assert rows.count() == all_rows


def test_an_end_of_an_axis_is_moved_by_a_pointer(page):
    end = page.get_by_label("accuracy, lowest")
    end.scroll_into_view_if_needed()
    box, trials = end.bounding_box(), drawn(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 12
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - box["height"] / 2, steps=3)
    page.mouse.up()
    assert float(end.input_value()) > 0.3
    page.wait_for_timeout(200)
    assert drawn(page) < trials


def test_an_end_of_an_axis_is_moved_by_a_finger(page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with closing(page.context.browser.new_context(**phone)) as context:
        narrow = context.new_page()
        narrow.goto(page.url)
        narrow.wait_for_selector("html[data-drawn=true]")
        end = narrow.locator(".brush input.lowest").first
        end.scroll_into_view_if_needed()
        box, trials = end.bounding_box(), drawn(narrow)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 12
        touch = context.new_cdp_session(narrow)
        for kind, up in (("touchStart", 0), ("touchMove", 0.2), ("touchMove", 0.5)):
            points = [{"x": x, "y": y - up * box["height"]}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert float(end.input_value()) > 0.3
        narrow.wait_for_timeout(200)
        assert drawn(narrow) < trials
        assert end.bounding_box()["y"] == pytest.approx(box["y"], abs=1), "it does not scroll"


def test_every_table_has_a_caption_and_every_chart_says_what_it_shows(page):
    for table in page.locator("table").all():
        assert table.locator("caption").inner_text()
    for plot in page.locator(".plot").all():
        assert ":" in plot.get_attribute("aria-label") or "." in plot.get_attribute("aria-label")


def drawn(page):
    """Return the trials whose lines go through the axes: they alone have a text."""
    plot = "[...document.querySelectorAll('.plot')].find((each) => each.nextElementSibling)"
    found = page.evaluate(f"{plot}.data.flatMap((trace) => trace.text ?? [])")
    return {text.partition(",")[0].removeprefix("trial ") for text in found}


def test_pruned_curves_end_at_a_rung(page):
    chart = page.locator("#learning-curves")
    assert "stopped here" in chart.inner_text()
    assert "continued" in chart.inner_text()


def test_failures_have_reasons(page):
    fold = page.locator("#failures details").first
    assert "diverged" in fold.inner_text()
    fold.locator("summary").click()
    assert "NaN or infinite" in fold.inner_text()


def test_the_winners_answers_are_shown(page):
    shown = page.locator("#best-model").inner_text()
    assert "Confusion matrix, test samples" in shown
    assert "Calibration on test data" in shown
    assert "Expected calibration error" in shown


def test_the_page_leads_to_the_winners_own(page, swept):
    (link, *_) = page.locator(".links a").all()
    assert "<h1>best</h1>" in (swept[0] / link.get_attribute("href")).read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_it_in_one_direction_only(chromium, swept, scheme):
    page = browsing.opened(chromium, swept[0] / "report.html", 390, scheme)
    assert browsing.fits(page)
    page.close()


def test_a_moved_and_renamed_sweep_has_its_report(swept, tmp_path):
    moved = tmp_path / "another name ü"
    shutil.copytree(swept[0], moved)
    done = report(f"'{moved}'", output=tmp_path / "r.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.html").read_text()
    assert "another name &#252;" in text
    assert "wins on digits" in text
    assert 'href="trials/0000/"' in text


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    done = report(tmp_path)
    assert done.returncode == 1
    assert "is not a sweep folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written_costs_a_line(swept, monkeypatch, capsys):
    from quintet.commands.experiments import leave_sweep

    monkeypatch.setattr(reports, "REPORT", "missing\0name")
    leave_sweep(Study.read(swept[0]))
    assert "Warning: report.html could not be written" in capsys.readouterr().out


def test_what_is_gathered_agrees_with_the_leaderboard(swept):
    sweep = SweepData(study := Study.read(swept[0]), swept[0])
    frame = study.frame()
    assert sweep.winner.number == frame.index[0]
    assert sweep.total == len(frame)
    assert sweep.defaults is None, "the grid does not hold the defaults"
    assert set(sweep.curves) <= set(frame.index)
