"""The data summary: how each column of a table was read."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quintet.data.columns import STYLES, Spec, not_numbers, values_of

if TYPE_CHECKING:
    import pandas as pd

IDENTIFIER = re.compile(
    r"(^|[_\W])(id|idx|index|key|row|nr|no)$|(?-i:[a-z]I[dD])$|^column_\d+$", re.IGNORECASE
)
"""Names of columns that number the rows; a nameless column is called column_1."""

KINDS = {"number": "numbers", "boolean": "yes-no", "date": "dates", "category": "categories"}


def reason_to_drop(column: "pd.Series[Any]", spec: Spec) -> str:
    """Return why a column cannot help a model, empty if it may."""
    known = column.dropna()
    distinct = known.nunique()
    if not distinct:
        return "it has no values"
    if distinct == 1 and len(known) == len(column):
        return f"it is always '{known.iloc[0]}'"
    if spec["type"] == "number" and IDENTIFIER.search(spec["name"]) and _whole(column, spec):
        return "it looks like an identifier"
    if spec["type"] == "category" and distinct > max(20, len(known) // 2):
        return f"{distinct} different texts in {len(known)} rows look like an identifier"
    return ""


def column_remarks(column: "pd.Series[Any]", spec: Spec) -> list[str]:
    """Return what was inferred about a column beyond the obvious."""
    name, remarks = spec["name"], []
    if strange := not_numbers(column, spec):
        shown = ", ".join(f"'{cell}'" for cell in strange[:3])
        remarks.append(
            f"'{name}' holds numbers; {len(strange)} other value(s) ({shown}) are missing."
        )
    if spec["type"] == "number" and spec["style"] != "1.5":
        remarks.append(f"'{name}' is read with {STYLES[spec['style']]}.")
    if spec["type"] == "date" and spec["format"] != "ISO8601":
        remarks.append(f"'{name}' is read as a date in the form {spec['format']}.")
    if spec["type"] == "number" and _counts(values_of(column, spec)[:, 0]):
        remarks.append(f"'{name}' counts the rows one by one; is it an input? (if not: data.drop)")
    missing = float(column.isna().mean())
    if missing and spec["type"] == "category":
        remarks.append(f"'{name}': {missing:.1%} missing, a category of its own.")
    elif missing:
        remarks.append(f"'{name}': {missing:.1%} missing, filled with the training median.")
    return remarks


def _whole(column: "pd.Series[Any]", spec: Spec) -> bool:
    """Return whether each row has a distinct whole number."""
    values = values_of(column, spec)[:, 0]
    return len(np.unique(values)) == len(values) and bool((values == np.round(values)).all())


def _counts(values: NDArray[np.float64]) -> bool:
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def input_summary(specs: list[Spec]) -> str:
    """List the input columns by type."""
    parts = []
    for kind, plural in KINDS.items():
        names = [str(spec["name"]) for spec in specs if spec["type"] == kind]
        if names:
            more = f", ... ({len(names)})" if names[8:] else ""
            parts.append(f"{plural} {', '.join(names[:8])}{more}")
    return f"Inputs: {'; '.join(parts)}."
