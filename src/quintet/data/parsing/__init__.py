"""From a file's bytes to columns of values: one strict parser for training and prediction.

`sniff` finds how a text file is cut into cells (`Dialect`), `read` returns its columns as `Cells`,
`infer` what a column is (`ColumnFormat`), and `ColumnFormat.parse` its values, with the cells that
do not fit. A format is inferred once, from the training data, and stored with the run.
"""

from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import ColumnFormat, Parsed
from quintet.data.parsing.dialect import Dialect, sniff
from quintet.data.parsing.inference import infer, infer_all
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.text_reader import read

__all__ = ["Cells", "ColumnFormat", "Dialect", "Parsed", "Rules", "infer", "infer_all", "read",
           "sniff"]  # fmt: skip
