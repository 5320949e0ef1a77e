"""Hyperopt's sampler, for comparison; needs an optional extra."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from quintet.base.errors import Code, UserError
from quintet.sweep.samplers.model_based import check_counts, draw_seed

if TYPE_CHECKING:
    from quintet.study.space import Parameter, Params, Space
    from quintet.study.trial import Trial


class Hyperopt:
    """The original tree-structured Parzen estimator, which models each parameter independently.

    Bergstra, Yamins and Cox 2013, "Making a science of model search". Hyperopt gets positions in
    [0, 1], on each parameter's own scale, and options by index; parameters that do not exist for
    the options of a trial have no value there, and are not learned from.

    Args:
        startup: number of random trials before the model is used.
        candidates: number of candidates, of which the most promising is tried.

    Raises:
        UserError: the package is not installed.

    """

    starts_with_defaults = True

    def __init__(self, startup: int = 10, candidates: int = 24) -> None:
        if find_spec("hyperopt") is None:
            raise UserError(
                "needs a package that is not installed",
                code=Code.UNAVAILABLE,
                key="sweeper",
                value="hyperopt",
                hint="Run pip install -e '.[hyperopt]', or choose sweeper=optuna, which is TPE as "
                "well",
            )
        check_counts(startup, candidates)
        self.startup, self.candidates = startup, candidates

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the params with the best ratio of the densities."""
        from hyperopt import hp, tpe
        from hyperopt.base import Domain, trials_from_docs

        nodes = {
            p.key: hp.uniform(p.key, 0, 1) if p.ordered else hp.randint(p.key, options(p))
            for p in space.parameters
        }
        told = [_document(t, space, mode) for t in trials if t.state != "failed"]
        (asked,) = tpe.suggest(
            [number],
            Domain(None, nodes),
            trials_from_docs(told, validate=False),
            draw_seed(seed, number),
            n_startup_jobs=self.startup,
            n_EI_candidates=self.candidates,
            verbose=False,
        )
        drawn = {key: float(value) for key, (value,) in asked["misc"]["vals"].items()}
        return space.at(
            {
                p.key: drawn[p.key] if p.ordered else (drawn[p.key] + 0.5) / options(p)
                for p in space.parameters
            }
        )


def options(parameter: "Parameter") -> int:
    """Return the number of values of a choice."""
    return len(getattr(parameter, "values", ()))


def _document(trial: "Trial", space: "Space", mode: str) -> dict[str, Any]:
    """Return a trial in Hyperopt's format; a running one has no loss, which counts as the worst."""
    values: dict[str, list[float]] = {p.key: [] for p in space.parameters}
    for key, value in trial.params.items():
        p = space[key]
        unit = p.unit(value)
        values[key] = [unit if p.ordered else int(unit * options(p))]
    known = trial.value is not None and trial.state != "running"
    loss = (trial.value or 0.0) * (1 if mode == "min" else -1)
    return {
        "tid": trial.number,
        "state": 2 if known else 1,  # hyperopt.JOB_STATE_DONE, JOB_STATE_RUNNING
        "result": {"status": "ok", "loss": loss} if known else {"status": "new"},
        "misc": {
            "tid": trial.number,
            "vals": values,
            "idxs": {key: [trial.number] * len(found) for key, found in values.items()},
        },
        "exp_key": None,
    }
