"""A column as in a file: plain values, or words and the rows in which they occur."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    import pandas as pd

Index = NDArray[np.int32]


@dataclass
class Cells:
    """One column before its format is known.

    Either `values`, if the source is typed (plain numbers of a text file, numbers and dates of
    Parquet or NumPy), or `words`, the distinct cells without surrounding white space, and `codes`,
    the index of the word in each row. Work on words scales with the number of distinct cells.
    """

    name: str
    values: NDArray[Any] | None = None
    """(N,) float64 or an integer type, NaN if empty; or datetime64[us] in UTC, NaT if empty."""
    words: tuple[str, ...] = ()
    codes: Index | None = None
    """(N,), -1 for an empty cell."""
    decimal: str = "."
    """Decimal mark of `values` in the file."""

    def __len__(self) -> int:
        return len(self.values if self.codes is None else self.codes)  # type: ignore[arg-type]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each word occurs."""
        assert self.codes is not None
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.words))

    def at(self, row: int) -> str:
        """Return a cell (from 0) as text."""
        if self.codes is not None:
            return self.words[self.codes[row]] if self.codes[row] >= 0 else ""
        value = self.values[row]  # type: ignore[index]
        if np.isnan(value) if value.dtype.kind == "f" else False:
            return ""
        if value.dtype.kind == "f":
            whole = value.is_integer() and abs(value) < 1e16
            return str(int(value)) if whole else str(value).replace(".", self.decimal)
        return str(value)

    def take(self, index: NDArray[Any]) -> "Cells":
        """Return the rows of an index or a mask."""
        if self.codes is None:
            assert self.values is not None
            return Cells(self.name, values=self.values[index], decimal=self.decimal)
        return Cells(self.name, words=self.words, codes=self.codes[index])

    def spread(self, of_words: NDArray[Any], empty: Any) -> NDArray[Any]:
        """Return `of_words` of each row's word, (N,), and `empty` for empty cells."""
        assert self.codes is not None
        return np.append(of_words, np.array([empty], dtype=of_words.dtype))[self.codes]

    def as_words(self) -> "Cells":
        """Return the same cells as words, integers without a decimal point."""
        if self.codes is not None:
            return self
        assert self.values is not None
        codes, distinct = _factorize(self.values)
        found = Cells(self.name, values=distinct, decimal=self.decimal)
        words = tuple(found.at(row) for row in range(len(distinct)))
        return Cells(self.name, words=words, codes=codes)


def of_text(name: str, codes: NDArray[Any], words: "list[Any] | pd.Index[Any]") -> Cells:
    """Return the cells of codes and words; words that differ only in white space are merged."""
    stripped = [_text(word).strip() for word in words]
    distinct = tuple(dict.fromkeys(word for word in stripped if word))
    number = {word: at for at, word in enumerate(distinct)} | {"": -1}
    moved = np.array([*(number[word] for word in stripped), -1], dtype=np.int32)
    return Cells(name, words=distinct, codes=moved[codes])


def _text(word: Any) -> str:
    return word.decode("utf-8", errors="replace") if isinstance(word, bytes) else str(word)


def of_series(column: "pd.Series[Any]", name: str) -> Cells:
    """Return the cells of a typed column of Parquet, NumPy or pandas."""
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(column):
        codes = np.asarray(column.astype("Int8").fillna(-1), dtype=np.int32)
        return Cells(name, words=("False", "True"), codes=codes)
    if kinds.is_datetime64_any_dtype(column):
        moment = pd.to_datetime(column, utc=True).dt.tz_localize(None)
        return Cells(name, values=moment.to_numpy(dtype="datetime64[us]"))
    if kinds.is_timedelta64_dtype(column):
        return Cells(name, values=column.to_numpy(dtype="timedelta64[us]") / np.timedelta64(1, "s"))
    if kinds.is_numeric_dtype(column) and not kinds.is_complex_dtype(column):
        if kinds.is_integer_dtype(column) and not column.hasnans:
            dtype = np.uint64 if kinds.is_unsigned_integer_dtype(column) else np.int64
            return Cells(name, values=column.to_numpy(dtype=dtype))
        if kinds.is_integer_dtype(column) and column.abs().max() > 2**53:  # too large for float64
            return of_text(name, *_factorize(column.astype(object)))
        return Cells(name, values=column.to_numpy(dtype=np.float64, na_value=np.nan))
    try:
        codes, words = _factorize(column)
    except TypeError as problem:
        kind = type(column.dropna().iloc[0]).__name__
        raise UserError(
            f"Column '{name}' holds a {kind} in each row, not one value",
            code=Code.DATA,
            hint="Write its parts to columns of their own, or delete it",
        ) from problem
    return of_text(name, codes, words)


def _factorize(values: Any) -> tuple[Index, Any]:
    import pandas as pd

    codes, distinct = pd.factorize(values)
    return codes.astype(np.int32), distinct
