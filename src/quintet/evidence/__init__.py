"""What a result is worth: answers sample by sample, intervals, calibration, fair comparisons.

NumPy alone, so that a report or a notebook needs no torch:
`from quintet.evidence import read; read(run_folder)["val"].mistakes()`.
"""

from quintet.evidence.answers import Answers, Examples, read, read_examples

__all__ = ["Answers", "Examples", "read", "read_examples"]
