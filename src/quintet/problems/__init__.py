"""What a model predicts: everything that depends on the kind of target, one file per problem.

A file whose module has a `PROBLEM` adds a problem type. Everything else asks a problem and never
compares its name. Only plain arrays and methods of tensors are used, so that reports need no torch.
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
        UserError: there is no such problem.

    Examples:
        >>> problem_of("binary").reported
        ('accuracy', 'f1', 'auc_roc', 'log_loss')

    """
    if task is None or task not in PROBLEMS:
        raise UserError(
            "is not a known problem",
            code=Code.UNKNOWN_NAME,
            key="facts.task",
            value=task,
            allowed=PROBLEMS,
            hint="The data states it: data.task, or `facts` of a LightningDataModule.",
        )
    return PROBLEMS[task]


def task_of_classes(count: int) -> Task:
    """Return the problem of samples that each belong to exactly one of `count` classes.

    Examples:
        >>> task_of_classes(2), task_of_classes(3)
        ('binary', 'multiclass')

    """
    return "binary" if count == 2 else "multiclass"
