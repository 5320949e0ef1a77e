"""What a model predicts: all that depends on the kind of the target, a file for each problem.

A file whose module has a `PROBLEM` adds a problem type. Everything else asks a problem and never
compares its name. Plain arrays and methods of tensors, so that reports load no torch.
"""

import importlib
import pkgutil

from quintet.base.errors import Code, UserError
from quintet.problems.problem import Problem

__all__ = ["PROBLEMS", "Problem", "Task", "problem_of", "task_of_classes"]

Task = str
"""Name of a problem."""

PROBLEMS: dict[Task, Problem] = {
    found.name: found
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__))
    if (found := getattr(importlib.import_module(f"{__name__}.{module}"), "PROBLEM", None))
}
"""By name, in alphabetical order."""


def problem_of(task: Task | None) -> Problem:
    """Return a problem by its name.

    Raises:
        UserError: there is none.

    Examples:
        >>> problem_of("binary").reported
        ('accuracy', 'f1', 'auc_roc', 'log_loss')

    """
    if task is None or task not in PROBLEMS:
        raise UserError(
            "is none of the problems that are known",
            code=Code.UNKNOWN_NAME,
            key="facts.task",
            value=task,
            allowed=PROBLEMS,
            hint="Let the data say it: data.task, or `facts` of a LightningDataModule.",
        )
    return PROBLEMS[task]


def task_of_classes(count: int) -> Task:
    """Return the problem of samples that are each of exactly one of so many classes.

    Examples:
        >>> task_of_classes(2), task_of_classes(3)
        ('binary', 'multiclass')

    """
    return "binary" if count == 2 else "multiclass"
