"""All checks, in the order in which a person would look."""

from collections.abc import Callable, Iterator

from quintet.practice import inputs, layers, mistakes, start
from quintet.practice.finding import Finding
from quintet.practice.subject import Subject

Check = Callable[[Subject], Finding | None]

CHECKS: tuple[Check, ...] = (
    inputs.targets,
    inputs.scale,
    inputs.leak,
    inputs.imbalance,
    mistakes.optimized,
    mistakes.logits,
    mistakes.modes,
    mistakes.cleared_gradients,
    mistakes.uses_input,
    start.init,
    start.initial_loss,
    layers.signal,
    layers.gradients,
    start.overfit,
    start.learning_rate,
)


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield the finding of every check that applies; one that breaks is a finding too."""
    for check in CHECKS:
        try:
            found = check(subject)
        except Exception as error:
            name = check.__name__.replace("_", " ")
            seen = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
            yield Finding(name, "fail", seen, "Mend what the error says; debug=true shows where.")
        else:
            if found is not None:
                yield found
