import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.samples import Samples
from quintet.data.sources.reader import read_new
from quintet.data.sources.tables import csv
from quintet.data.splitting.split import split
from refusals import Refusal


def written(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> str:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return str(file)


def rows(count: int, row) -> str:
    return "".join(row(i) + "\n" for i in range(count))


def told(samples: Samples) -> str:
    return " ".join(samples.data_summary)


def formats(samples: Samples) -> dict[str, str]:
    return {column.name: column.format for column in samples.columns}


def test_a_mixed_table_is_told_apart(tmp_path: Path) -> None:
    text = "age,city,member,joined,income,left\n" + rows(
        60,
        lambda i: (
            f"{20 + i % 30},{['Rome', 'Oslo', '?'][i % 3]},{'yes' if i % 2 else 'no'},"
            f"2024-01-{1 + i % 28:02},{'' if i == 5 else 1000.5 + i},{'true' if i % 4 else 'false'}"
        ),
    )
    samples = csv(written(tmp_path, text), "left")
    check(samples)
    assert (samples.task, samples.kind) == ("binary", "table")
    # age, member, joined (3 numbers), income, then city
    assert samples.x.shape == (60, 7)
    assert samples.cardinalities == [3]
    assert samples.x[:3, -1].tolist() == [2.0, 1.0, 0.0]
    assert samples.x[1, :5].tolist() == [21.0, 1.0, 19724.0, 1.0, 1.0]
    assert samples.x[5, 5].isnan()
    assert samples.class_names == ["false", "true"]
    assert "'true' is the positive class" in told(samples)
    found = {c.name: (c.type, c.format, round(c.missing, 3), c.use) for c in samples.columns}
    assert found == {
        "age": ("number", "decimal point", 0.0, "input"),
        "city": ("category", "2 words", 0.333, "input"),
        "member": ("yes-no", "no / yes", 0.0, "input"),
        "joined": ("date", "ISO8601", 0.0, "input"),
        "income": ("number", "decimal point", 0.017, "input"),
        "left": ("yes-no", "false / true", 0.0, "target"),
    }


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "binary"),
        (["a", "b", "c"], "multiclass"),
        (["0", "1"], "binary"),
        (["3", "4", "5"], "multiclass"),
        (["1.5", "2", "3"], "regression"),
        ([str(i) for i in range(50)], "regression"),
        (["True", "False"], "binary"),
    ],
)
def test_the_task_follows_from_the_target(tmp_path: Path, values: list[str], task: str) -> None:
    text = "x,y\n" + rows(100, lambda i: f"{i * i % 37},{values[i % len(values)]}")
    assert csv(written(tmp_path, text), "y").task == task


def test_the_task_can_be_forced(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + rows(60, lambda i: f"{i * i % 37},{i % 3}"))
    assert csv(path, "y", task="regression").y.shape == (60, 1)
    with pytest.raises(UserError) as caught:
        csv(path, "y", task="binary")
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "data.task"
    with Refusal(
        Code.UNKNOWN_NAME,
        "data.task",
        "regresion",
        allowed=(
            "binary",
            "language_modelling",
            "multiclass",
            "multilabel",
            "regression",
            "segmentation",
        ),
    ) as caught:
        csv(path, "y", task="regresion")
    assert caught.value.code is Code.UNKNOWN_NAME
    assert caught.value.key == "data.task"


def test_the_positive_class_can_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + rows(60, lambda i: f"{i * i},{'ja' if i % 4 else 'nein'}"))
    assert csv(path, "y").class_names == ["nein", "ja"]
    assert float(csv(path, "y").y.float().mean()) == 0.75
    chosen = csv(path, "y", positive="nein")
    assert chosen.class_names == ["ja", "nein"]
    assert float(chosen.y.float().mean()) == 0.25
    with Refusal(Code.UNKNOWN_NAME, "data.positive", "yes", allowed=("nein", "ja")):
        csv(path, "y", positive="yes")


def test_several_targets_make_labels_or_values(tmp_path: Path) -> None:
    text = "x,a,b,c\n" + rows(
        40, lambda i: f"{i * i % 37},{i % 2},{'nein' if i % 3 else 'ja'},{i / 7}"
    )
    path = written(tmp_path, text)
    labels = csv(path, ["a", "b"])
    assert labels.task == "multilabel"
    assert labels.y[:4].tolist() == [[0, 1], [1, 0], [0, 0], [1, 1]]
    values = csv(path, ["a", "c"], task="regression")
    assert values.class_names == ["a", "c"]
    with pytest.raises(UserError) as caught:
        csv(path, ["a", "c"], task="binary")
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "data.task"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_quotes_unicode_and_any_separator(tmp_path: Path, separator: str) -> None:
    head = separator.join(["größe", '"a ""b"""', "y"])
    body = rows(
        30,
        lambda i: separator.join([str(i * i), f'"x{separator}{i % 3}\n"', "ja" if i % 2 else "né"]),
    )
    path = written(tmp_path, f"{head}\r\n{body}", encoding="utf-8-sig")
    samples = csv(path, "y")
    assert [c["name"] for c in samples.reader["columns"]] == ["größe", 'a "b"']
    assert samples.cardinalities == [4]
    assert samples.class_names == ["ja", "né"]


def test_decimal_commas_and_thousands(tmp_path: Path) -> None:
    text = "a;b;y\n" + rows(30, lambda i: f"{i},5;1.{i + 100},25;{i * 2},5")
    samples = csv(written(tmp_path, text), "y")
    assert samples.x[3].tolist() == [3.5, 1103.25]
    assert samples.y[3].tolist() == [6.5]
    assert formats(samples)["b"] == "decimal comma, points for thousands"
    text = "a,y\n" + rows(30, lambda i: f'"{i + 1},250",{i / 3}')
    samples = csv(written(tmp_path, text), "y")
    assert samples.x[3].tolist() == [4250.0]
    assert formats(samples)["a"] == "decimal point, commas for thousands"


@pytest.mark.parametrize(
    "name", ["rownames", "row_names", "index", "Id", "Unnamed: 0", "row number"]
)
def test_a_row_counter_is_left_out_unless_it_is_asked_for(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, f"{name},x,y\n" + rows(60, lambda i: f"{i + 1},{i * i % 7},{i % 2}"))
    assert csv(path, "y").columns[0].use == "left out: it looks like an identifier"
    assert csv(path, "y", columns=[name, "x"]).columns[0].use == "input"


def test_a_number_that_is_a_name_becomes_a_category(tmp_path: Path) -> None:
    text = "branch,x,y\n" + rows(60, lambda i: f"{['201', '101', ''][i % 3]},{i},{i % 2}")
    path = written(tmp_path, text)
    assert csv(path, "y").cardinalities == []
    samples = csv(path, "y", categories=["branch"])
    assert samples.cardinalities == [3]
    assert samples.x[:3, -1].tolist() == [2, 1, 0]
    again = read_new(Path(path), samples.reader).x
    assert torch.equal(again.nan_to_num(), samples.x.nan_to_num())
    with pytest.raises(UserError) as caught:
        csv(path, "y", categories=["brunch"])
    assert (caught.value.key, caught.value.value) == ("data.categories", "brunch")
    assert "branch" in caught.value.allowed


def test_text_is_told_apart_from_an_identifier(tmp_path: Path) -> None:
    words = ["a", "slow", "film", "with", "a", "great", "plot", "and", "no", "end"]
    text = "code,review,x,y\n" + rows(
        60, lambda i: f"K{i},{words[i % 9]} {words[i // 9]} film {i},{i},{i % 2}"
    )
    use = {c.name: c.use for c in csv(written(tmp_path, text), "y").columns}
    assert (
        use["code"]
        == "left out: its 60 texts all differ, like those of an identifier, such as 'K0'"
    )
    assert use["review"].startswith("left out: it is text, 4 words per row")


def test_rows_without_a_target_are_dropped_on_request_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n" + rows(60, lambda i: f"{i},{'' if i in (3, 9) else i % 2}"))
    with Refusal(Code.DATA, match=r"missing in 2 of 60 .* data\.missing_target=drop"):
        csv(path, "y")
    samples = csv(path, "y", missing_target="drop")
    assert samples.x[:, 0].tolist() == [float(i) for i in range(60) if i not in (3, 9)]
    assert "2 rows have no target and are left out." in told(samples)
    with Refusal(Code.UNKNOWN_NAME, "data.missing_target", "no", allowed=("refuse", "drop")):
        csv(path, "y", missing_target="no")  # type: ignore[arg-type]


def test_each_sample_knows_its_row_of_the_file(tmp_path: Path) -> None:
    text = "day,x,y\n" + rows(60, lambda i: f"{60 - i},{i},{'' if i == 3 else i % 2}")
    path = written(tmp_path, text)
    sorted_ = csv(path, "y", time="day", missing_target="drop")
    assert sorted_.file_rows is not None
    assert sorted_.file_rows.tolist() == [row for row in range(60, 0, -1) if row != 4]
    assert (sorted_.file_rows - 1).tolist() == sorted_.x[:, 0].tolist()
    other = written(tmp_path, "day,x,y\n" + rows(4, lambda i: f"1,2,{i % 2}"), "other.csv")
    parts = csv(path, "y", missing_target="drop", test_path=other)
    assert parts.file_rows is not None
    assert parts.file_rows[-4:].tolist() == [1, 2, 3, 4]


def test_useless_columns_are_left_out_and_named(tmp_path: Path) -> None:
    text = "id,name,empty,same,x,y\n" + rows(
        60, lambda i: f"{i + 7},person {i},NA,k,{i * i},{i % 2}"
    )
    path = written(tmp_path, text)
    samples = csv(path, "y")
    assert [c["name"] for c in samples.reader["columns"]] == ["x"]
    use = {column.name: column.use for column in samples.columns}
    assert use == {
        "id": "left out: it looks like an identifier",
        "name": "left out: its 60 texts all differ, like those of an identifier, such as 'person 0'",  # noqa: E501
        "empty": "left out: it has no values",
        "same": "left out: it is always 'k'",
        "x": "input",
        "y": "target",
    }
    kept = csv(path, "y", columns=["id", "x"])
    assert kept.x.shape == (60, 2)
    with Refusal(Code.DATA, match=r"No input column is left"):
        csv(path, "y", drop="x")


def test_stray_text_among_numbers_is_missing_and_named(tmp_path: Path) -> None:
    text = "x,y\n" + rows(40, lambda i: f"{'n.b.' if i == 7 else i * i},{i % 2}")
    samples = csv(written(tmp_path, text), "y")
    assert samples.x[7].isnan().all()
    assert "'n.b.'" in told(samples)


def test_codes_with_leading_zeros_are_categories(tmp_path: Path) -> None:
    text = "zip,y\n" + rows(40, lambda i: f"0{i % 4}123,{i % 2}")
    assert csv(written(tmp_path, text), "y").cardinalities == [5]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("sw_version", ["1.1", "1.10", "1.2"], "category"),
        ("ZipCode", ["90210", "60601", "10115"], "category"),
        ("zip_file_size", ["9021", "6060", "1011"], "number"),
        ("release", ["2010", "2011", "2012"], "number"),  # years
        ("version", ["1.5", "12", "x"], "category"),  # as any words
        ("phones", ["1", "2", "3"], "number"),
        ("customer phone no", ["5550100", "5550101", "5550102"], "category"),
    ],
)
def test_digits_are_labels_where_name_and_cells_say_so(
    tmp_path: Path, name: str, cells: list[str], kind: str
) -> None:
    file = tmp_path / "t.csv"
    rows = [f"{cells[i % 3]},{i},{'ab'[i % 2]}" for i in range(60)]
    file.write_text("\n".join([f"{name},x,y", *rows]))
    samples = csv(str(file), "y")
    spec = next(spec for spec in samples.reader["columns"] if spec["name"] == name)
    assert spec["type"] == kind
    if kind == "category":
        assert spec["categories"] == sorted(cells)
        assert ("labels by its name" in str(samples.data_summary)) == (cells[-1] != "x")
    if kind == "category" and cells[-1] != "x":
        samples = csv(str(file), "y", decimal={name: "."})
        spec = next(spec for spec in samples.reader["columns"] if spec["name"] == name)
        assert spec["type"] == "number"


def test_large_numbers_keep_their_differences(tmp_path: Path) -> None:
    text = "stamp,y\n" + rows(40, lambda i: f"{1700000000000 + i * i},{i % 2}")
    x = csv(written(tmp_path, text), "y").x[:, 0]
    assert (x - x[0]).tolist() == [float(i * i) for i in range(40)]


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    text = "x,y\n" + rows(40, lambda i: f"{i % 10},{i % 2}")
    assert "30 rows repeat" in told(csv(written(tmp_path, text), "y"))
    text = "x,y\n" + rows(40, lambda i: f"{max(i, 1)},{i // 2 % 2}")
    assert "1 row repeats" in told(csv(written(tmp_path, text), "y"))


def test_time_orders_rows_to_the_second(tmp_path: Path) -> None:
    text = "when,x,y\n" + rows(
        60, lambda i: f"2024-05-01 10:00:{59 - i:02},{(59 - i) ** 2},{(59 - i) % 2}"
    )
    samples = csv(written(tmp_path, text), "y", time="when")
    assert samples.ordered
    assert samples.x[:, 0].tolist() == [float(i * i) for i in range(60)]
    train, _, tested = split(samples, 0.1, 0.2, seed=0)
    assert int(train.max()) < int(tested.min())


def test_groups_stay_whole(tmp_path: Path) -> None:
    text = "who,x,y\n" + rows(90, lambda i: f"p{i % 9},{i * i},{i % 2}")
    samples = csv(written(tmp_path, text), "y", group="who")
    parts = split(samples, 0.2, 0.2, seed=0)
    found = [set(samples.groups[part].tolist()) for part in parts]
    assert sum(map(len, found)) == len(set.union(*found)) == 9


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    text = "a,b,d,y\n" + rows(
        40, lambda i: f"{i / 4},{'uvw'[i % 3]},2024-02-{1 + i % 28:02},{i % 2}"
    )
    path = written(tmp_path, text)
    frame = pd.read_csv(path, parse_dates=["d"])
    frame["y"] = frame["y"].astype("Int64")
    frame.to_parquet(tmp_path / "t.parquet")
    one, other = csv(path, "y"), csv(str(tmp_path / "t.parquet"), "y")
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.y, other.y)


def test_compressed_text_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b"x,y\n" + rows(40, lambda i: f"{i * i},{i % 2}").encode()))
    assert csv(str(file), "y").x.shape == (40, 1)


GOOD = "x,y\n" + rows(40, lambda i: f"{i * i},{i % 2}")


@pytest.mark.parametrize(
    ("text", "arguments", "refusal"),
    [
        ("", {}, Refusal(Code.DATA, match="is empty")),
        ("\n\n", {}, Refusal(Code.DATA, match="blank lines")),
        ("x,y\n", {}, Refusal(Code.DATA, match="no rows")),
        (GOOD, {"target": None}, Refusal(Code.MISSING_VALUE, "data.target", allowed=("x", "y"))),
        (
            GOOD,
            {"target": "Y1"},
            Refusal(Code.UNKNOWN_NAME, "data.target", "Y1", allowed=("x", "y")),
        ),
        (GOOD, {"columns": "z"}, Refusal(Code.UNKNOWN_NAME, "data.columns", "z")),
        (GOOD, {"target": "y", "drop": "y"}, Refusal(Code.CONFLICT, "data.target", "y")),
        (GOOD, {"separator": ";"}, Refusal(Code.INCOMPATIBLE, "data.separator", "';'")),
        (GOOD + "1,\n", {}, Refusal(Code.DATA, match=r"missing in 1 of 41 rows \(first: 41")),
        (GOOD + "inf,1\n", {}, Refusal(Code.DATA, match=r"'x', row 41: inf is infinite")),
        (GOOD + "1e99,1\n", {}, Refusal(Code.DATA, match="too large")),
        (GOOD + "1,2,3\n", {}, Refusal(Code.DAMAGED, match="cannot be read")),
        (GOOD.replace(",1\n", ",0\n"), {}, Refusal(Code.DATA, match="only one class")),
        ("x,x,y\n1,2,0\n", {}, Refusal(Code.DATA, match="two columns are named 'x'")),
        (
            "x,y\n" + rows(40, lambda i: f"{i * i},n{i}"),
            {},
            Refusal(Code.DATA, match="too many for classes"),
        ),
        (
            "x,y\n" + rows(40, lambda i: f"{i * i},{'oops' if i == 3 else i / 3}"),
            {},
            Refusal(Code.DATA, match="'oops'"),
        ),
        (
            "x,y\n" + rows(40, lambda i: f"{i * i},k{i % 2}"),
            {"task": "regression"},
            Refusal(Code.INCOMPATIBLE, "data.task", "regression"),
        ),
        (
            "x,y\n" + rows(40, lambda i: f"{i * i},{i % 3}"),
            {"task": "multilabel"},
            Refusal(Code.DATA, match="yes-no"),
        ),
        (
            "x,w,y\n" + rows(40, lambda i: f"{i},u,{i % 2}"),
            {"time": "w"},
            Refusal(Code.DATA, "data.time", "w"),
        ),
        ("\0\1\2" * 50, {}, Refusal(Code.DAMAGED, match="NUL bytes")),
    ],
)
def test_bad_input_ends_with_one_message(tmp_path: Path, text, arguments, refusal) -> None:
    with refusal:
        csv(written(tmp_path, text), **{"target": "y", **arguments})


def test_a_class_with_one_row_is_refused_by_the_split(tmp_path: Path) -> None:
    samples = csv(written(tmp_path, GOOD + "3,7\n"), "y", task="multiclass")
    with Refusal(Code.DATA, match=r"smallest class has 1 sample"):
        split(samples, 0.1, 0.2, seed=0)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "train.csv")
    with Refusal(Code.NOT_FOUND, match=r"Did you mean 'train.csv'") as caught:
        csv(str(tmp_path / "tran.csv"), "y")
    assert caught.value.code is Code.NOT_FOUND
    with Refusal(Code.NOT_FOUND, match=r"is a folder") as caught:
        csv(str(tmp_path), "y")
    assert caught.value.code is Code.NOT_FOUND
    with Refusal(Code.MISSING_VALUE, "data.path") as caught:
        csv(target="y")
    assert caught.value.code is Code.MISSING_VALUE
    latin = written(tmp_path, GOOD.replace("x,", "größe,"), "l.csv", "latin-1")
    with Refusal(Code.DAMAGED, match=r"data.encoding") as caught:
        csv(latin, "y")
    assert caught.value.code is Code.DAMAGED
    assert csv(latin, "y", encoding="latin-1").reader["columns"][0]["name"] == "größe"


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with Refusal(Code.DAMAGED, match=r"not a readable parquet"):
        csv(written(tmp_path, GOOD, "t.parquet"), "y")


@pytest.mark.parametrize(
    ("words", "every", "positive"),
    [("fraud ok", 10, "fraud"), ("fraud ok", 3, "ok"), ("no yes", 10, "yes"), ("0 1", 10, "1")],
)
def test_the_positive_class_is_yes_or_a_rare_one(
    tmp_path: Path, words: str, every: int, positive: str
) -> None:
    rare, usual = words.split()
    rows = "".join(f"{i * i},{usual if i % every else rare}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    samples = csv(str(tmp_path / "t.csv"), "y")
    assert samples.class_names[1] == positive
    assert f"'{positive}' is the positive class" in told(samples)
    assert csv(str(tmp_path / "t.csv"), "y", positive=rare).class_names[1] == rare


def test_parquet_keeps_digits_bytes_and_its_index(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    large = pd.array([None, *(2**60 + i % 3 for i in range(59))], dtype="Int64")
    frame = pd.DataFrame({"n": large, "b": [b"u", b"v"] * 30, "y": ["a", "b"] * 30})
    frame.set_index(pd.Index([i * i for i in range(60)], name="k")).to_parquet(
        tmp_path / "t.parquet"
    )
    samples = csv(str(tmp_path / "t.parquet"), "y")
    assert [each.name for each in samples.columns] == ["n", "b", "y", "k"]
    categories = {spec["name"]: spec.get("categories") for spec in samples.reader["columns"]}
    assert categories["n"] == [str(2**60 + i) for i in range(3)]
    assert categories["b"] == ["u", "v"]


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}])
def test_cells_of_several_values_are_refused(tmp_path: Path, cell: object) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"v": [cell] * 9, "y": ["a", "b", "a"] * 3})
    frame.to_parquet(tmp_path / "t.parquet")
    with Refusal(Code.DATA, match="Column 'v' holds a"):
        csv(str(tmp_path / "t.parquet"), "y")


def test_a_skewed_target_names_the_transform_that_may_help(tmp_path: Path) -> None:
    def told(value: Callable[[int], str]) -> str:
        path = written(tmp_path, "x,y\n" + rows(60, lambda i: f"{i % 7},{value(i)}"))
        return " ".join(csv(path, "y", task="regression").data_summary)

    assert "data.target_transform=log may" in told(lambda i: f"{2.718 ** (i / 5):.3f}")
    assert "data.target_transform=log1p" in told(lambda i: str(int(2.718 ** (i / 5)) - 1))
    assert "is skewed" not in told(lambda i: f"{i * 1.5:.2f}")
