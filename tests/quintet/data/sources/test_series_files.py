"""Series in files: any order, any step, gaps, copies, several in one file."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.samples import Samples
from quintet.data.sources.reader import read_new
from quintet.data.sources.series import series
from quintet.data.splitting.split import split
from refusals import Refusal

CASES = Path(__file__).parents[1] / "cases"


def written(folder: Path, times: Sequence, values: Sequence, **more: Sequence) -> str:
    frame = pd.DataFrame({"date": list(times), "y": list(values), **more})
    frame.to_csv(folder / "s.csv", index=False)
    return str(folder / "s.csv")


def days(*numbers: int) -> list[str]:
    return [str(np.datetime64("2024-01-01") + number) for number in numbers]


def firsts(samples: Samples) -> list[float]:
    return samples.y[:, 0].tolist()


def told(samples: Samples, *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in samples.data_summary)


def test_rows_from_the_latest_to_the_earliest_are_sorted() -> None:
    samples = series(str(CASES / "desc.csv"), "sales", window=3)
    check(samples)
    assert samples.x[0, :, 0].tolist() == [100, 101, 102]
    assert firsts(samples) == list(range(103, 220))
    assert told(samples, "not in time order", "sorted")
    with pytest.raises(UserError) as caught:
        series(str(CASES / "desc.csv"), "sales", window=3, sort=False)
    assert (caught.value.code, caught.value.key) == (Code.DATA, "data.sort")


def test_no_window_reaches_across_a_gap() -> None:
    samples = series(str(CASES / "gap.csv"), "sales", window=3)
    steps = torch.cat([samples.x[..., 0], samples.y], dim=1).diff(dim=1)
    assert bool((steps == 1).all())
    assert len(samples.y) == 41 - 3 + 50 - 3
    assert told(samples, "1 gap(s)", "2024-02-10", "29 step(s)")
    with pytest.raises(UserError) as caught:
        series(str(CASES / "gap.csv"), "sales", gaps="refuse")
    assert (caught.value.code, caught.value.key) == (Code.DATA, "data.gaps")


def test_a_gap_that_is_filled_is_never_forecast() -> None:
    samples = series(str(CASES / "gap.csv"), "sales", window=3, gaps="fill")
    assert sorted(firsts(samples)) == [*range(103, 141), *range(170, 220)]
    after = firsts(samples).index(170.0)
    assert samples.x[after, :, 0].tolist() == [140, 140, 140]
    assert told(samples, "carried forward")


STEPS = {
    "1 day": pd.date_range("2024-01-01", periods=20, freq="D"),
    "1 week": pd.date_range("2024-01-01", periods=20, freq="7D"),
    "2 weeks": pd.date_range("2024-01-01", periods=20, freq="14D"),
    "1 hour": pd.date_range("2024-01-01", periods=60, freq="h"),
    "15 minutes": pd.date_range("2024-01-01", periods=60, freq="15min"),
    "1 month": pd.date_range("2023-01-01", periods=30, freq="MS"),
    "1 month ": pd.date_range("2023-01-31", periods=30, freq="ME"),
    "3 months": pd.date_range("2019-01-01", periods=20, freq="QS"),
    "1 year": pd.date_range("2000-01-01", periods=20, freq="YS"),
    "weekday": pd.date_range("2024-01-01", periods=30, freq="B"),
    "1 month  ": pd.date_range("2023-01-15", periods=30, freq="MS") + pd.Timedelta(days=14),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_step_is_inferred_and_a_hole_in_it_is_seen(tmp_path: Path, step: str) -> None:
    times = STEPS[step]
    whole = series(written(tmp_path, times, np.arange(len(times))), "y", window=3)
    assert told(whole, f"Step of the series: {step.strip()}.")
    assert len(whole.y) == len(times) - 3
    holed = series(
        written(tmp_path, times.delete(9), np.delete(np.arange(len(times)), 9)), "y", window=3
    )
    assert told(holed, "1 gap(s)", "1 step(s) long")
    assert len(holed.y) == len(times) - 3 - 4


FORMS = ["%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d-%b-%Y", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S"]


@pytest.mark.parametrize("form", FORMS)
def test_dates_in_usual_forms(tmp_path: Path, form: str) -> None:
    times = pd.date_range("2023-11-20", periods=60, freq="D")[::-1].strftime(form)
    options = {"date_format": form} if form == "%Y%m%d" else {}
    samples = series(written(tmp_path, times, np.arange(60)), "y", time="date", window=3, **options)
    assert firsts(samples) == [float(n) for n in range(56, -1, -1)]
    assert told(samples, "Step of the series: 1 day")


def test_numbers_are_times_where_they_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, [2000, 2001, *range(2003, 2009)], range(8))
    samples = series(path, "y", time="date", window=2)
    assert firsts(samples) == [4, 5, 6, 7]
    assert told(samples, "1 gap(s)", "after 2001")
    assert firsts(series(path, "y", window=2)) == [2, 3, 4, 5, 6, 7]


def test_rows_as_they_stand(tmp_path: Path) -> None:
    path = written(tmp_path, days(5, 4, 3, 2, 1, 0), range(6))
    assert firsts(series(path, "y", time="none", window=2)) == [2, 3, 4, 5]
    (tmp_path / "s.csv").write_text("y\n" + "\n".join(map(str, range(9))))
    assert told(series(path, "y", window=2), "No column of dates")


def test_an_irregular_step_is_reported(tmp_path: Path) -> None:
    seconds = np.cumsum(np.random.default_rng(0).integers(50, 70, 40))
    seconds[20:] += 600
    start = np.datetime64("2024-01-01T00:00:00")
    times = [str(start + np.timedelta64(int(s), "s")) for s in seconds]
    samples = series(written(tmp_path, times, range(40)), "y", window=3)
    assert told(samples, "no regular step")
    assert told(samples, "1 gap(s)")
    assert len(samples.y) == 2 * (20 - 3)


def test_copies_of_a_row_become_one_and_different_values_their_mean(tmp_path: Path) -> None:
    path = written(tmp_path, days(*range(10), 3, 5), [*range(10), 3, 9])
    samples = series(path, "y", window=2)
    assert firsts(samples) == [2, 3, 4, 7, 6, 7, 8, 9]
    assert told(
        samples,
        "2 row(s) repeat a time, such as 2024-01-04",
        "the mean for 1 with different values",
    )


def test_missing_values_are_gaps(tmp_path: Path) -> None:
    values = [*range(10), "NA", *range(11, 20)]
    samples = series(written(tmp_path, days(*range(20)), values), "y", window=2)
    assert told(samples, "1 row(s) have no value")
    assert len(samples.y) == 8 + 7


def test_a_few_cells_that_are_not_numbers_are_shown_and_are_gaps(tmp_path: Path) -> None:
    values = [*range(10), "broken", *range(11, 20)]
    path = written(tmp_path, days(*range(20)), values)
    samples = series(path, "y", window=2)
    assert told(samples, "1 of 20", "'broken' in row 11")
    assert len(samples.y) == 8 + 7
    with pytest.raises(UserError) as caught:
        series(path, "y", window=2, unreadable="refuse")
    assert caught.value.code is Code.DATA


def test_decimal_commas(tmp_path: Path) -> None:
    rows = [f"{day};1.{n:03},5" for n, day in enumerate(days(*range(12)))]
    (tmp_path / "s.csv").write_text("date;y\n" + "\n".join(rows))
    samples = series(str(tmp_path / "s.csv"), "y", window=2)
    assert firsts(samples) == [1000.5 + n for n in range(2, 12)]


@pytest.fixture
def shops(tmp_path: Path) -> str:
    """Write three shops of 20 days, day by day, and one that opens later."""
    rows = [(day, shop) for day in range(20) for shop in "abc"]
    rows += [(day, "d") for day in range(10, 20)]
    values = ["abcd".index(shop) * 1000 + day for day, shop in rows]
    return written(tmp_path, days(*(d for d, _ in rows)), values, shop=[s for _, s in rows])


def test_several_series_are_told_apart(shops: str) -> None:
    samples = series(shops, "y", group="shop", window=3)
    check(samples)
    assert len(samples.y) == 3 * 17 + 7
    within = torch.cat([samples.x[..., 0], samples.y], dim=1)
    assert bool((within.diff(dim=1) == 1).all())
    assert told(samples, "4 series: a, b, c, d")


@pytest.mark.parametrize("horizon", [1, 3])
def test_several_series_are_split_at_one_time(shops: str, horizon: int) -> None:
    samples = series(shops, "y", group="shop", window=3, horizon=horizon)
    parts = [set((samples.y[part] % 1000).flatten().tolist()) for part in split(samples, 8, 8, 0)]
    assert max(parts[0]) < min(parts[1])
    assert max(parts[1]) < min(parts[2])


def test_several_series_without_a_group_are_refused(shops: str) -> None:
    with Refusal(Code.DATA, "data.group", "null"):
        series(shops, "y", window=3)


def test_large_values_keep_their_digits(tmp_path: Path) -> None:
    values = 1_700_000_000 + np.arange(40) % 7
    samples = series(written(tmp_path, days(*range(40)), values), "y", window=3)
    assert samples.y[:, 0].tolist() == values[3:].tolist()
    assert float(samples.x.max() - samples.x.min()) == 6
    new = read_new(tmp_path / "s.csv", json.loads(json.dumps(samples.reader)))
    assert torch.equal(new.x[:-1], samples.x)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"time": "when"}, "data.time"), ({"group": "where"}, "data.group"),
        ({"time": "y"}, "data.time"), ({"gaps": "close"}, "data.gaps"),
        ({"window": 50}, "data.window"), ({"time": "name"}, "data.time"),
        ({"horizon": 0}, "data.window"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, options: dict, key: str) -> None:
    path = written(tmp_path, days(*range(20)), range(20), name=["x", "z"] * 10)
    with pytest.raises(UserError) as caught:
        series(path, "y", **options)
    assert caught.value.key == key


def test_two_columns_of_dates_are_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, days(*range(20)), range(20), shipped=days(*range(1, 21)))
    assert told(series(path, "y"), "The time is 'date'")
    text = Path(path).read_text().replace("date,y", "ordered,y")
    Path(path).write_text(text)
    with pytest.raises(UserError) as caught:
        series(path, "y")
    assert (caught.value.key, caught.value.allowed) == (
        "data.time", ("ordered", "shipped", "none"),
    )  # fmt: skip


def test_a_prediction_reads_rows_as_training_did(tmp_path: Path) -> None:
    samples = series(str(CASES / "gap.csv"), "sales", window=7)
    reader = json.loads(json.dumps(samples.reader))
    new = read_new(CASES / "desc.csv", reader)
    assert new.names[0] == "after 2024-01-07"
    assert new.names[-1] == "after 2024-04-29"
    assert new.x[-1, :, 0].tolist() == list(range(213, 220))
    assert any("sorted" in sentence for sentence in new.remarks)
    again = read_new(CASES / "gap.csv", reader)
    assert len(again.x) == len(samples.x) + 2
    assert any("1 gap(s)" in sentence for sentence in again.remarks)


def test_a_prediction_of_another_step_is_refused(tmp_path: Path) -> None:
    samples = series(str(CASES / "gap.csv"), "sales", window=7)
    times = pd.date_range("2024-05-01", periods=40, freq="h")
    frame = pd.DataFrame({"date": times, "sales": range(40)})
    frame.to_csv(tmp_path / "new.csv", index=False)
    with Refusal(Code.INCOMPATIBLE, match=r"1 hour apart.*1 day apart"):
        read_new(tmp_path / "new.csv", samples.reader)


def test_a_prediction_names_series_and_time(shops: str) -> None:
    samples = series(shops, "y", group="shop", window=3)
    new = read_new(shops, json.loads(json.dumps(samples.reader)))
    assert new.names[0] == "a, after 2024-01-03"
    assert new.names[-1] == "d, after 2024-01-20"
    assert len(new.names) == 3 * 18 + 8


def test_holidays_of_weekdays_are_gaps_and_told(tmp_path: Path) -> None:
    when = [day for day in pd.bdate_range("2024-01-01", periods=60) if day.day not in (1, 15)]
    path = written(tmp_path, [str(day.date()) for day in when], range(len(when)))
    samples = series(path, "y", window=3)
    assert told(samples, "gap(s)", "holidays", "data.time=none")
    assert len(samples.y) < len(series(path, "y", window=3, time="none").y) == len(when) - 3


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ([17 * 10**17 + i for i in range(40)], Refusal(Code.DATA, "data.target", "y")),
        (
            [f"{i + 30}:10:00" for i in range(40)],
            Refusal(Code.DATA, "data.target", "y"),
        ),
        (["a"] * 40, Refusal(Code.DATA, "data.target", "y")),
    ],
)
def test_values_that_are_not_numbers_are_refused(
    tmp_path: Path, values: list, refusal: Refusal
) -> None:
    path = written(tmp_path, days(*range(40)), values)
    with refusal:
        series(path, "y", window=3)


def test_a_time_that_is_none_is_named_with_its_row(tmp_path: Path) -> None:
    when = days(*range(40))
    path = written(tmp_path, [*when[:5], "soon", *when[6:]], range(40))
    with Refusal(Code.DATA, "data.time", "date"):
        series(path, "y", window=3, time="date")


def test_series_too_short_for_a_window_are_reported(tmp_path):
    file = tmp_path / "t.csv"
    days = [f"2024-01-{day:02d}" for day in range(1, 29)]
    rows = [f"{d},{i},a\n" for i, d in enumerate(days)] + [f"{d},1,b\n" for d in days[:3]]
    file.write_text("t,v,g\n" + "".join(rows))
    samples = series(str(file), "v", window=4, group="g")
    assert "1 series have no 5 consecutive values and are left out: b." in samples.data_summary


def test_times_in_another_form_say_how_they_are_read(tmp_path):
    file = tmp_path / "t.csv"
    days = [f"{day:02d}" for day in range(1, 29)]
    file.write_text("t,v\n" + "".join(f"2024-01-{d},{i}\n" for i, d in enumerate(days)))
    samples = series(str(file), "v", window=4)
    new = tmp_path / "new.csv"
    new.write_text("t,v\n" + "".join(f"{d}.01.2024,{i}\n" for i, d in enumerate(days)))
    with Refusal(Code.DATA, match="28 of 28 cells are not dates") as caught:
        read_new(new, samples.reader)
    assert "data.date_format='%d.%m.%Y'" in caught.value.hint
    assert len(read_new(new, samples.reader, {"date_format": "%d.%m.%Y"}).x) == 25
