"""The plan of a sweep: everything that is decided and checked before the first trial."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.base.errors import Code, UserError
from quintet.base.hydra_internals import to_plain
from quintet.base.quoting import quoted
from quintet.config import bounds, objectives, run_folder, trust
from quintet.study import constraints, spec
from quintet.study.constraints import Constraints
from quintet.study.fronts import KEY, Objectives, scalarised
from quintet.study.overrides import NOT_TRAINING, bare, for_trial, read
from quintet.study.space import Params, Space
from quintet.study.trial import Trial
from quintet.sweep import option_spaces, points
from quintet.sweep.examples import Example, check_metric, examples, has_schedule, proposed
from quintet.sweep.samplers import Sampler
from quintet.sweep.samplers.guided import Guided
from quintet.sweep.samplers.proposals import Proposals
from quintet.sweep.search_space import search_space
from quintet.sweep.settings import folder
from quintet.sweep.trial_schedulers import RunAll, Scheduler, population
from quintet.sweep.trial_schedulers.pruners import Asha
from quintet.training import build
from quintet.training.training_steps import repeats

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

LENGTH = "trainer.max_epochs"


@dataclass(frozen=True)
class Plan:
    """What a sweep will do.

    Args:
        command: that runs a trial, before its overrides.
        fixed: overrides that every trial has.
        space: what varies.
        defaults: the config's own values of the swept parameters, if they lie within the space.
        folder: of the sweep.
        metric: the metric's name.
        mode: the metric's direction.
        objectives: the direction of each objective by name, the metric first; {} without any.
        constraints: the bounds of each constrained measure by name; {} without any.
        max_epochs: of a trial that is not stopped, in all its folds.
        sampler: what to try next.
        scheduler: decides which trials continue and which stop.
        settings: the config's `sweeper` node.
        test: whether the winner is tested.
        report: whether the sweep writes a report page.
        examples: configs of the trials to come, one for each option.
        families: params of the first trials of further families of models, to try after the
            defaults.
        points: params of the user's own, to try after those.
        warm_start: params from earlier studies, to try after those.
        trust: packages that trials use and that other commands must be told to trust.
        trackers: the `logger` node of the trials' configs, unresolved.

    """

    command: tuple[str, ...]
    fixed: tuple[str, ...]
    space: Space
    defaults: Params | None
    folder: Path
    metric: str
    mode: str
    max_epochs: int
    sampler: Sampler
    scheduler: Scheduler
    settings: DictConfig
    test: bool
    report: bool = True
    examples: tuple[Example, ...] = field(default=(), repr=False)
    families: tuple[Params, ...] = ()
    points: tuple[Params, ...] = ()
    warm_start: tuple[Params, ...] = ()
    trust: tuple[str, ...] = ()
    trackers: Mapping[str, Any] = field(default_factory=dict)
    objectives: Objectives = field(default_factory=dict)
    constraints: Constraints = field(default_factory=dict)

    @property
    def compared_by(self) -> tuple[str, ...]:
        """The names of all that decides which trial is better; () where the metric alone does."""
        if not (self.objectives or self.constraints):
            return ()
        return tuple(dict.fromkeys([self.metric, *self.objectives, *self.constraints]))

    def compared(self, trials: Sequence[Trial]) -> tuple[Sequence[Trial], str]:
        """Return trials as samplers and schedulers compare them, and the direction."""
        if not self.compared_by:
            return trials, self.mode
        objectives = self.objectives or {self.metric: self.mode}
        return scalarised(trials, objectives, self.constraints), "min"

    @property
    def enqueued(self) -> tuple[Params, ...]:
        """The params that are tried before the sampler suggests any."""
        return (*filter(None, [self.defaults]), *self.families, *self.points, *self.warm_start)

    def spec(self) -> dict[str, Any]:
        """Return what must be equal for a study to be continued."""
        settings: Any = OmegaConf.to_container(self.settings)
        held = {name: dict(sides) for name, sides in self.constraints.items()}
        compared = {KEY: dict(self.objectives), constraints.KEY: held}
        return {key: given for key, given in compared.items() if given} | {
            "metric": {"name": self.metric, "mode": self.mode},
            "fixed": sorted(o for o in self.fixed if not o.startswith(NOT_TRAINING)),
            "space": spec.space_fields(self.space),
            "strategy": {key: settings[key] for key in ("sampler", "scheduler", "seed")},
        }


def make_plan(
    config: DictConfig,
    loader: "ConfigLoader",
    arguments: Iterable[str],
    inspected: Iterable[str] = (),
) -> Plan:
    """Return the plan of a command line.

    Args:
        config: composed from everything that does not vary.
        loader: Hydra's, to compose a trial's config.
        arguments: the overrides as typed.
        inspected: overrides from inspecting the data; a space may vary what they choose.

    Raises:
        UserError: a parameter, value or combination would fail every trial.

    """
    length, overrides = repeats(config), read(arguments, loader)
    single = (o for o in overrides if not o.is_sweep_override() and for_trial(o))
    fixed = tuple(str(o.input_line) for o in single)
    given = {bare(o) for o in overrides}
    own = {o.partition("=")[0]: o for o in (*config.sweeper.trial, *inspected)}
    own = {key: o for key, o in own.items() if key not in given}
    base = loader.load_sweep_config(config, [*fixed, *own.values()])
    space = search_space(base, loader, overrides, config.get("search_space") or {})
    fixed = (*fixed, *(own[key] for key in own if key not in {p.key for p in space.parameters}))
    sampler, scheduler = build.strategy(config)
    defaults = _defaults(base, space)
    if isinstance(sampler, Guided):
        sampler = sampler.believing(space, defaults)
    if LENGTH in {p.key for p in space.parameters} and not isinstance(scheduler, RunAll):
        raise UserError(
            "cannot be swept by a strategy that compares trials of one length after the same "
            "number of epochs",
            code=Code.CONFLICT,
            key=LENGTH,
            value=space[LENGTH],
            hint="Give one value, or choose sweeper=random or sweeper=grid",
        )
    tried = points.read(to_plain(config.sweeper["try"]), space, defaults, sampler)
    found = tuple(examples(config, loader, fixed, space))
    check_metric(found)
    if isinstance(sampler, Proposals):
        found += tuple(proposed(config, loader, fixed, tried))
    for example in found:
        population.check(scheduler, space, example.config)
    first = found[0].config
    plain = [cast(dict[str, Any], OmegaConf.to_container(e.config)) for e in found]
    return Plan(
        command=(sys.executable, str(Path(sys.argv[0]).resolve()), *_flags(config)),
        fixed=fixed,
        space=space,
        defaults=defaults,
        folder=folder(config),
        metric=first.metric.name,
        mode=first.metric.mode,
        max_epochs=(first.trainer.max_epochs or 0) * length,
        sampler=sampler,
        scheduler=suited(scheduler, found),
        # A storage's password stays a reference: cluster jobs receive the plan as a file.
        settings=run_folder.without_secrets(config.sweeper),
        test=config.test,
        report=config.report,
        examples=found,
        families=(
            tuple(option_spaces.first_trials(space, defaults or {})) if config.sweeper.look else ()
        ),
        points=tuple(tried),
        trust=tuple(
            sorted(
                {*(config.get("trust") or ()), *(w for each in plain for w in trust.words(each))}
            )
        ),
        trackers=plain[0].get(trust.LOGGER) or {},
        objectives=traded_off(config, first),
        constraints=bounds.of(first),
    )


def suited(scheduler: Scheduler, found: Sequence[Example]) -> Scheduler:
    """Return a scheduler whose first rung suits trials like these."""
    if not isinstance(scheduler, Asha):
        return scheduler
    epochs = found[0].config.trainer.max_epochs or 0
    return scheduler.fitted(epochs, scheduled=any(map(has_schedule, found)))


def traded_off(config: DictConfig, first: DictConfig) -> dict[str, str]:
    """Return the objectives of a sweep.

    Args:
        config: of the sweep.
        first: of one of its trials.

    Raises:
        UserError: one is unknown, or the strategy compares the metric only.

    """
    found = objectives.of(first)
    if found and config.sweeper.get("stop") is not None:
        raise UserError(
            "compares only the metric, but this sweep has several objectives",
            code=Code.CONFLICT,
            key="sweeper.stop",
            value=config.sweeper.stop,
            hint="Leave it out, and give sweeper.n_trials=",
        )
    return found


def _defaults(base: DictConfig, space: Space) -> Params | None:
    """Return the config's own values; those outside the space are left out."""
    params: Params = {}
    for p in space.parameters:
        own = space.chosen.get(p.key) or OmegaConf.select(base, p.key)
        value = "null" if own is None else str(own)
        if space.active(p, params) and p.contains(value):
            params[p.key] = value
    return params or None


def _flags(config: DictConfig) -> list[str]:
    """Return the overrides by which a trial finds the same configs."""
    flags = [f"--config-name={config.hydra.job.config_name}"]
    sources = config.hydra.runtime.config_sources
    flags += [f"--config-dir={s.path}" for s in sources if s.provider == "command-line"]
    typed = [s for s in sources if s.provider == "hydra.searchpath in command-line"]
    searched = ",".join(quoted(f"{s.schema}://{s.path}") for s in typed)
    return [*flags, f"hydra.searchpath=[{searched}]"] if typed else flags
