"""Optuna's samplers, which learn from the trials so far."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from quintet.sweep.optuna_trials import frozen
from quintet.sweep.settings import check_least

if TYPE_CHECKING:
    import cmaes
    import optuna

    from quintet.study.space import Parameter, Params, Space
    from quintet.study.trial import Trial


class Tpe:
    """Tree-structured Parzen estimator: compares the densities of good and bad params.

    Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"; with constant liar, by
    Optuna.

    Args:
        startup: number of random trials before the model is used.
        candidates: number of candidates, of which the most promising is tried.
        multivariate: whether parameters are modelled jointly, conditional ones in groups of their
            own, instead of each by itself.

    """

    starts_with_defaults = True

    def __init__(self, startup: int = 10, candidates: int = 24, multivariate: bool = False) -> None:
        check_counts(startup, candidates)
        self.startup, self.candidates, self.multivariate = startup, candidates, multivariate

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the params with the best ratio of the densities."""
        from optuna.samplers import TPESampler

        sampler = TPESampler(
            n_startup_trials=self.startup,
            n_ei_candidates=self.candidates,
            multivariate=self.multivariate,
            group=self.multivariate,
            seed=draw_seed(seed, number),
        )
        return _ask(sampler, trials, space, mode)


class GaussianProcess:
    """Gaussian process with (log) expected improvement, by Optuna; for few, expensive trials.

    Jones, Schonlau and Welch 1998, "Efficient global optimization of expensive black-box
    functions"; Ament et al. 2023 for the logarithm.

    Args:
        startup: number of random trials before the model is used.

    """

    starts_with_defaults = True

    def __init__(self, startup: int = 10) -> None:
        check_counts(startup)
        self.startup = startup

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return the params with the greatest expected improvement."""
        from optuna.samplers import GPSampler

        sampler = GPSampler(n_startup_trials=self.startup, seed=draw_seed(seed, number))
        return _ask(sampler, trials, space, mode)


class OptunaSampler:
    """Any sampler of Optuna, of OptunaHub or a custom one, by its import path.

    It is recreated for each suggestion and sees the trials' params, values and reports, but not its
    own attributes of them. Optuna's CMA-ES and NSGA-II, which keep their generations in such
    attributes, would start again each time; `sampler=cmaes` and `sampler=genetic` do not.

    Args:
        make: returns an `optuna.samplers.BaseSampler` for a `seed`.

    """

    starts_with_defaults = True

    def __init__(self, make: "Callable[..., optuna.samplers.BaseSampler]") -> None:
        self.make = make

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return what the sampler suggests."""
        return _ask(self.make(seed=draw_seed(seed, number)), trials, space, mode)


class CmaEs:
    """Covariance matrix adaptation over the numbers of a space, by `cmaes`; options at random.

    Hansen 2016, "The CMA evolution strategy: a tutorial". The generations are replayed from the
    trials, in the order of their numbers, so a suggestion depends on nothing else. Numbers of
    options that are not chosen take part with the middle of their range.

    Args:
        sigma: first standard deviation, as a share of each range.
        population: trials in a generation; None for 4 + 3 ln(number of parameters).

    """

    starts_with_defaults = True

    def __init__(self, sigma: float = 0.2, population: int | None = None) -> None:
        check_least("sampler", population=(population or 5, 5))
        self.sigma, self.population = sigma, population

    def total(self, space: "Space") -> None:
        """Return None: unlimited."""

    def suggest(
        self, trials: "Sequence[Trial]", space: "Space", number: int, seed: int, mode: str
    ) -> "Params":
        """Return a draw from the current distribution."""
        import numpy as np

        rng = np.random.default_rng([seed, number])
        units = {p.key: rng.random() for p in space.parameters}
        if len(numbers := [p for p in space.parameters if p.ordered]) > 1:
            strategy = self.replayed(numbers, trials, draw_seed(seed, number), mode)
            units |= zip((p.key for p in numbers), strategy.ask().tolist(), strict=True)
        return space.at(units)

    def replayed(
        self, numbers: "Sequence[Parameter]", trials: "Sequence[Trial]", seed: int, mode: str
    ) -> "cmaes.CMA":
        """Return the strategy after all whole generations of the trials."""
        import cmaes
        import numpy as np

        strategy = cmaes.CMA(
            mean=np.full(len(numbers), 0.5),
            sigma=self.sigma,
            bounds=np.array([[0.0, 1.0]] * len(numbers)),
            seed=seed % 2**32,
            population_size=self.population,
        )
        sign, size = (1 if mode == "min" else -1), strategy.population_size
        ended = [t for t in trials if t.value is not None and t.state in ("completed", "pruned")]
        told = [
            (np.array([_unit(p, t.params) for p in numbers]), sign * (t.value or 0.0))
            for t in ended
        ]
        for first in range(0, len(told) - size + 1, size):
            strategy.tell(told[first : first + size])
        return strategy


def _unit(parameter: "Parameter", params: "Params") -> float:
    """Return the position of a value in [0, 1]; the middle where there is none in the range."""
    value = params.get(parameter.key)
    return parameter.unit(value) if value is not None and parameter.contains(value) else 0.5


def check_counts(startup: int, candidates: int = 1) -> None:
    """Raise an error for counts that no model can work with.

    Raises:
        UserError: a count is out of range.

    """
    check_least("sampler", startup=(startup, 0), candidates=(candidates, 1))


def draw_seed(seed: int, number: int) -> int:
    """Return a seed for one trial, different for every trial, whichever worker asks."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _ask(
    sampler: "optuna.samplers.BaseSampler", trials: "Sequence[Trial]", space: "Space", mode: str
) -> "Params":
    """Run a sampler on an in-memory copy, so that nothing it writes reaches the study."""
    from quintet.study.study import DIRECTIONS, quiet_optuna

    study = quiet_optuna().create_study(sampler=sampler, direction=DIRECTIONS[mode])
    # A trial without some key, such as a default outside the space, would remove it from all
    # others.
    usable = [t for t in trials if t.state != "failed" and space.accepts(t.params)]
    study.add_trials(frozen(usable, space))
    asked = study.ask()
    params: Params = {}
    for parameter in space.parameters:
        if space.active(parameter, params):
            params[parameter.key] = parameter.from_optuna(_suggest(asked, parameter))
    return params


def _suggest(trial: "optuna.Trial", parameter: "Parameter") -> Any:
    from optuna.distributions import FloatDistribution, IntDistribution

    kind = parameter.distribution()
    if isinstance(kind, FloatDistribution):
        return trial.suggest_float(parameter.key, kind.low, kind.high, log=kind.log)
    if isinstance(kind, IntDistribution):
        return trial.suggest_int(parameter.key, kind.low, kind.high, log=kind.log)
    return trial.suggest_categorical(parameter.key, kind.choices)  # type: ignore[attr-defined]
