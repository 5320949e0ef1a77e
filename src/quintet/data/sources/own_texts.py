"""The user's own texts: a column of a csv or parquet file, and a target to predict from it."""

from collections import Counter

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.data.data_summary import ColumnSummary
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable, read_table
from quintet.data.samples import Samples
from quintet.data.sources.frames import existing, require
from quintet.data.sources.targets import target_of
from quintet.data.sources.text import encode, words


def own_texts(
    path: str | None = None,
    text: str | None = None,
    target: str | None = None,
    task: str | None = None,
    positive: str | int | bool | None = None,
    length: int = 64,
    min_count: int = 2,
    most_words: int = 20_000,
    separator: str | None = None,
    encoding: str | None = None,
) -> Samples:
    """Read a column of texts, cut into words, and a target column.

    Args:
        path: the file.
        text: the column of texts; None for the one with the longest texts.
        target: the column to predict.
        task: binary, multiclass or regression; None infers it from the target.
        positive: as in `quintet.data.sources.tables.csv`, like the last two.
        length: words to which a text is cut or padded.
        min_count: words that occur less often share one id, "unknown".
        most_words: maximum size of the vocabulary.
        separator: between two cells.
        encoding: of the file.

    Raises:
        UserError: anything wrong with the file, the options or the values.

    """
    if length < 1:
        raise UserError(
            "must be at least 1 word", code=Code.OUT_OF_RANGE, key="data.length", value=length
        )
    layout = {"separator": separator, "encoding": encoding}
    named = [name for name in (text, target) if name is not None]
    table = read_table(existing(path), text=named, layout=layout)
    if target is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.target",
            allowed=table.columns,
            hint="Give data.target=<column>",
        )
    require([target], table.columns, "data.target")
    require([text] if text else [], table.columns, "data.text")
    column = text or longest(table, target)
    texts = texts_of(table, column)
    found = target_of(table, [target], task, positive, Rules())
    counts = Counter(word for each in texts for word in words(each))
    kept = [word for word, count in counts.most_common(most_words) if count >= min_count]
    lengths = [len(words(each)) for each in texts]
    cut = sum(each > length for each in lengths)
    return Samples(
        x=encode(texts, sorted(kept), length),
        y=found.y,
        task=found.task,
        kind="tokens",
        class_names=found.names,
        vocabulary=len(kept) + 2,
        data_summary=[
            f"{path}: {len(texts)} texts of '{column}', {np.median(lengths):.0f} words in the "
            f"median; {len(kept)} different words that occur {min_count} times or more.",
            *table.remarks,
            *([f"{cut} texts are cut after {length} words (data.length)."] if cut else []),
            found.summary,
        ],
        columns=[ColumnSummary(column, "text", "", 0.0, "input"), *found.columns],
        reader={
            "kind": "tokens",
            "columns": [column],
            "vocabulary": sorted(kept),
            "length": length,
            "layout": {key: value for key, value in layout.items() if value is not None},
        },
    )


def texts_of(table: RawTable, column: str) -> list[str]:
    """Return a column's cells as written; an empty cell is an empty text."""
    cells = table[column].as_words()
    assert cells.codes is not None
    written = [*cells.words, ""]
    return [written[code] for code in cells.codes]


def longest(table: RawTable, target: str) -> str:
    """Return the column whose distinct cells have the most words on average."""
    worded = {
        name: sum(len(word.split()) for word in cells.words) / len(cells.words)
        for name, cells in table.columns.items()
        if name != target and cells.words
    }
    if not worded:
        raise UserError(
            "has no value, and no column holds text",
            code=Code.MISSING_VALUE,
            key="data.text",
            allowed=table.columns,
            hint="Give data.text=<column>",
        )
    return max(worded, key=lambda name: worded[name])
