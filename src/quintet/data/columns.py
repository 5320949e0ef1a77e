"""What a column of a table is (number, boolean, date, category), and its values as numbers.

A column's description is plain data, kept with the run, so that a new file is read the same way.
"""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    import pandas as pd

Spec = dict[str, Any]
"""`name`, `type` and, by type: `style`, `offset` (number), `true` (boolean), `format` (date),
`categories` (category)."""
BOOLEANS = [("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"),
            ("ja", "nein"), ("oui", "non"), ("sí", "no"), ("si", "no")]  # fmt: skip
DATE_FORMATS = ["ISO8601", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%d-%b-%Y"]
STYLES = {"1.5": "a decimal point", "1,000": "commas for thousands", "1,5": "a decimal comma"}
"""Ways to write a number."""
MOSTLY = 0.9
"""A text column is taken for numbers if at least this share of its values is one."""
LARGEST = float(np.finfo(np.float32).max)


def describe(column: "pd.Series[Any]", name: str) -> Spec:
    """Infer the type of a plain column (see `read_frame`) is."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return {"name": name, "type": "boolean", "true": "true"}
    if pd.api.types.is_datetime64_any_dtype(column):
        return {"name": name, "type": "date", "format": "ISO8601"}
    if pd.api.types.is_numeric_dtype(column):
        return _number(name, "1.5", numbers(column, name))
    cells = column.dropna()
    distinct = cells.unique()
    if spec := _boolean(name, distinct) or _date(name, distinct):
        return spec
    for style in STYLES:
        if len(cells) and not _is_code(distinct) and _suits(distinct, style):
            values = _parse(cells, style)
            if np.isnan(values).mean() <= 1 - MOSTLY:
                return _number(name, style, numbers(column, name, style))
    return {"name": name, "type": "category", "categories": sorted(map(str, distinct))}


def number(name: str, style: str = "1.5", offset: float = 0.0) -> Spec:
    """Describe a number column: how numbers are written, and what is taken off before float32."""
    return {"name": name, "type": "number", "style": style, "offset": offset}


def numbers(column: "pd.Series[Any]", name: str, style: str = "1.5") -> NDArray[np.float64]:
    """Return a column as float64, NaN where a value is missing or no number.

    Raises:
        UserError: a value is infinite, or too large for 32-bit floating point.

    """
    values = _parse(column, style)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(np.abs(values) > LARGEST)
    if len(bad):
        raise UserError(
            f"Column '{name}', row {bad[0] + 1}: {column.iloc[bad[0]]} is infinite or too large "
            f"(beyond {LARGEST:.1e})",
            code=Code.DATA,
            hint=f"Repair or empty such cells ({len(bad)} in all)",
        )
    return values


def encode(frame: "pd.DataFrame", specs: list[Spec]) -> torch.Tensor:
    """Return the described columns as float32 (N, F): numbers as they are, categories as codes.

    A date becomes three numbers: days since 1970, month and day of the week. An unknown or
    missing category has code 0, other missing values are NaN.
    """
    blocks = [values_of(frame[str(spec["name"])], spec) for spec in specs]
    table = np.concatenate(blocks, axis=1) if blocks else np.zeros((len(frame), 0))
    return torch.from_numpy(table.astype(np.float32))


def not_numbers(column: "pd.Series[Any]", spec: Spec) -> list[str]:
    """Return the different cells of a number column that are not numbers."""
    if spec["type"] != "number":
        return []
    strange = np.isnan(_parse(column, spec["style"])) & ~column.isna().to_numpy()
    return sorted({str(cell) for cell in column[strange]})


def values_of(column: "pd.Series[Any]", spec: Spec) -> NDArray[np.float64]:
    """Return a described column as float64 (N, 1), a date as (N, 3); see `encode`."""
    import pandas as pd

    if spec["type"] == "number":
        values = numbers(column, spec["name"], spec["style"]) - float(spec["offset"])
        return values[:, None]
    if spec["type"] == "boolean":
        low = [None if pd.isna(cell) else str(cell).lower() for cell in column]
        known = [np.nan if cell is None else float(cell == spec["true"]) for cell in low]
        return np.array(known)[:, None]
    if spec["type"] == "date":
        dates: pd.Series[Any] = pd.to_datetime(
            column, format=spec["format"], errors="coerce", utc=True
        )
        days = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        parts = [days, dates.dt.month, dates.dt.day_of_week]
        return np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=1)
    codes = {category: code for code, category in enumerate(spec["categories"], start=1)}
    cells = [codes.get(_category(cell), 0) for cell in column]
    return np.array(cells, dtype=np.float64)[:, None]


def _category(cell: object) -> str:
    """Write a cell as a category's name; 3.0 is the category 3."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _suits(distinct: Any, style: str) -> bool:
    """Return whether commas group every number that has one into thousands."""
    if style != "1,000":
        return True
    cut = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
    return all(cut.fullmatch(str(cell)) for cell in distinct if "," in str(cell))


def _parse(column: "pd.Series[Any]", style: str) -> NDArray[np.float64]:
    import pandas as pd

    if style != "1.5" and not pd.api.types.is_numeric_dtype(column):
        thousands, point = (".", ",") if style == "1,5" else (",", ".")
        column = column.str.replace(thousands, "", regex=False).str.replace(point, ".", regex=False)
    values: pd.Series[Any] = pd.to_numeric(column, errors="coerce")
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _number(name: str, style: str, values: NDArray[np.float64]) -> Spec:
    """Describe a number column, with an offset where 32-bit floats would blur its differences."""
    known = values[~np.isnan(values)]
    blurred = len(known) and np.abs(known).max() * 6e-8 > 1e-4 * known.std()
    offset = float(known[0]) if blurred and known.std() > 0 else 0.0
    return number(name, style, offset)


def _boolean(name: str, distinct: Any) -> Spec | None:
    found = {str(cell).lower() for cell in distinct} if len(distinct) < 10 else set()
    for true, false in BOOLEANS:
        if found == {true, false}:
            return {"name": name, "type": "boolean", "true": true}
    return None


def _date(name: str, distinct: Any) -> Spec | None:
    """Describe a date column, if one format reads all values."""
    import pandas as pd

    cells = [str(cell) for cell in distinct]
    if not cells or not all(re.match(r"\d{1,4}[-/.]\w{1,3}[-/.]\d{2,4}", c) for c in cells[:50]):
        return None
    for form in DATE_FORMATS:
        written = pd.Series(cells, dtype=object)
        if pd.to_datetime(written, format=form, errors="coerce", utc=True).notna().all():
            return {"name": name, "type": "date", "format": form}
    return None


def _is_code(distinct: Any) -> bool:
    """Return whether these are codes such as 01234 (a post code): leading zeros mean something."""
    return any(cell[0] == "0" and len(cell) > 1 and cell.isdigit() for cell in distinct)
