"""All checks, in the order of manual debugging."""

from collections.abc import Callable, Iterator

from quintet.diagnostics import input_checks, layer_statistics, mistakes, start_checks
from quintet.diagnostics.finding import Finding
from quintet.diagnostics.subject import Subject

Check = Callable[[Subject], Finding | None]

CHECKS: tuple[Check, ...] = (
    input_checks.targets,
    input_checks.scale,
    input_checks.leak,
    input_checks.imbalance,
    mistakes.optimized,
    mistakes.logits,
    mistakes.modes,
    mistakes.cleared_gradients,
    mistakes.uses_input,
    start_checks.init,
    start_checks.initial_loss,
    layer_statistics.signal,
    layer_statistics.gradients,
    start_checks.overfit,
    start_checks.learning_rate,
)


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield the findings of all applicable checks; a check that raises an error fails."""
    for check in CHECKS:
        try:
            found = check(subject)
        except Exception as error:
            name = check.__name__.replace("_", " ")
            seen = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
            yield Finding(name, "fail", seen, "Fix the error; debug=true shows where it is raised.")
        else:
            if found is not None:
                yield found
