"""The length of a run in models and optimizer steps, and checks of settings for it."""

import math
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.training.stackable import AUTO

if TYPE_CHECKING:
    import lightning.pytorch as L

    from quintet.data.lightning_data import ExperimentData

MOST = 10_000
"""Maximum number of folds or seeds of a run, whose configs are all created before training."""


def repeats(cfg: DictConfig) -> int:
    """Return the number of models that a config trains: one per fold and seed of `cv`.

    Raises:
        UserError: the number of folds or seeds is invalid.

    """
    if not isinstance(cfg.cv, DictConfig):
        raise UserError(
            "sets nothing",
            code=Code.WRONG_TYPE,
            key="cv",
            value=cfg.cv,
            allowed=["cv.folds=5", "cv.seeds=3", "both"],
        )
    folds, seeds = cfg.cv.folds, cfg.cv.seeds
    for key, value, least in (("folds", folds, 2), ("seeds", seeds, 1)):
        if value is not None and (type(value) is not int or not least <= value <= MOST):
            off = "null" if key == "folds" else "1"
            raise UserError(
                f"is not a number of {key}",
                code=Code.OUT_OF_RANGE,
                key=f"cv.{key}",
                value=value,
                allowed=[f"integers from 2 to {MOST:,}", f"{off} (off)"],
            )
    stack = stacked(cfg)
    if stack != AUTO and (type(stack) is not int or stack < 1):
        raise UserError(
            "is not a number of models to train together",
            code=Code.OUT_OF_RANGE,
            key="cv.stack",
            value=stack,
            allowed=["auto", "integers from 1"],
        )
    typed = {key: cfg.data.get(key) for key in ("folds", "fold")}
    if folds and (own := [f"data.{key}={value}" for key, value in typed.items() if value]):
        raise UserError(
            f"trains every fold, and {own[0]} selects one of them",
            code=Code.CONFLICT,
            key="cv.folds",
            value=folds,
            hint="Leave out cv.folds to train that fold only, with data.folds= as the number of "
            "folds; or leave out data.fold",
        )
    return (folds or 1) * (seeds or 1)


def stacked(cfg: DictConfig) -> int | str:
    """Return how many models of `cv` train together at most; configs of older runs have no value.

    Those trained one after another, and are continued so.
    """
    found: int | str = cfg.cv.get("stack", 1)
    return found


def count_steps(cfg: DictConfig, trainer: "L.Trainer", data: "ExperimentData") -> None:
    """Write the length of the run in optimizer steps to the config, for schedules.

    Raises:
        UserError: the run has no end, or no batches to train on or to compute the metric on.

    """
    together = trainer.accumulate_grad_batches
    if together < 1:
        raise UserError(
            "is not a number of batches",
            code=Code.OUT_OF_RANGE,
            key="trainer.accumulate_grad_batches",
            value=together,
            allowed=["integers from 1"],
        )
    batches = _training_batches(cfg, trainer, data)
    validated = data.validation_steps(trainer.world_size)
    if validated is not None:
        otherwise = f"there is no {cfg.metric.name} to go by"
        left(cfg, trainer, "limit_val_batches", validated, otherwise)
    if not cfg.trainer.fast_dev_run:
        check_validation(cfg, batches)
    cfg.facts.steps_per_epoch = math.ceil(batches / together)
    cfg.facts.total_steps = total(trainer, cfg.facts.steps_per_epoch)


def uneven_steps(cfg: DictConfig, trainer: "L.Trainer", data: "ExperimentData") -> str:
    """Return a warning if the last step of an epoch accumulates fewer batches than the others.

    Lightning divides the loss of each batch by `accumulate_grad_batches` even if an epoch ends with
    fewer batches: the gradient of its last step is then smaller by that ratio.
    """
    together = trainer.accumulate_grad_batches
    batches = _training_batches(cfg, trainer, data)
    rest = batches % together
    if not rest:
        return ""
    which = "the only step" if batches < together else "the last step"
    even = max(n for n in range(1, together + 1) if batches % n == 0)
    return (
        f"trainer.accumulate_grad_batches={together}: an epoch has {batches} batches, so {which} "
        f"of each sums {rest} of them, and its gradient is {rest}/{together} of a full one's. "
        f"Even: trainer.accumulate_grad_batches={even}, or another data.batch_size."
    )


def _training_batches(cfg: DictConfig, trainer: "L.Trainer", data: "ExperimentData") -> int:
    """Return the number of batches in a training epoch after the limits of the trainer."""
    batches = _counted(data.steps(trainer.world_size), trainer)
    return left(cfg, trainer, "limit_train_batches", batches, "nothing is learnt")


def _counted(batches: int | None, trainer: "L.Trainer") -> int:
    """Return the number of batches in an epoch; for data without length, `limit_train_batches`.

    Raises:
        UserError: neither data nor settings determine the length of an epoch.

    """
    if batches is not None:
        return batches
    limit = trainer.limit_train_batches
    if isinstance(limit, int):
        return limit
    raise UserError(
        "The training data has no length, so the run's number of steps is not known",
        code=Code.MISSING_VALUE,
        hint="Say how many batches make an epoch, such as trainer.limit_train_batches=500.",
    )


def left(cfg: DictConfig, trainer: "L.Trainer", key: str, batches: int, otherwise: str) -> int:
    """Return the number of batches in an epoch under a trainer limit, counted as by Lightning.

    Raises:
        UserError: no batch is left.

    """
    limit = getattr(trainer, key)
    count = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    if count < 1:
        name = "overfit_batches" if cfg.trainer.overfit_batches else key
        raise UserError(
            f"leaves no batch of {batches}, so {otherwise}",
            code=Code.OUT_OF_RANGE,
            key=f"trainer.{name}",
            value=limit,
            hint="Give a number of batches, 1 or more, or a larger share of them, up to 1.0.",
        )
    return count


def check_validation(cfg: DictConfig, batches: int) -> None:
    """Check that validation runs at the end of epochs, when the best checkpoint is chosen.

    Raises:
        UserError: it does not; lists valid intervals.

    """
    given = cfg.trainer.val_check_interval
    interval = 1.0 if given is None else given
    if isinstance(interval, float):
        interval = max(1, int(batches * interval))
    if isinstance(interval, int) and interval > 0:
        spans = cfg.trainer.check_val_every_n_epoch is None and interval % batches == 0
        if batches % interval == 0 or spans:
            return
    raise UserError(
        f"never ends with an epoch of {batches} batches, where {cfg.metric.name} decides on the "
        "best checkpoint",
        code=Code.OUT_OF_RANGE,
        key="trainer.val_check_interval",
        value=given,
        allowed=[n for n in range(1, batches + 1) if batches % n == 0],
    )


def total(trainer: "L.Trainer", steps_per_epoch: int) -> int:
    """Return the total optimizer steps of the run.

    Raises:
        UserError: neither epochs nor steps are limited.

    """
    epochs, steps = trainer.max_epochs, trainer.max_steps
    limits = [] if epochs is None or epochs < 0 else [max(1, epochs) * steps_per_epoch]
    limits += [steps] if steps > 0 else []
    if not limits:
        shown = "null" if epochs is None else epochs
        raise UserError(
            f"and trainer.max_steps={steps}: the run has no end",
            code=Code.MISSING_VALUE,
            key="trainer.max_epochs",
            value=shown,
            hint="Give one, such as trainer.max_epochs=30 or trainer.max_steps=1000.",
        )
    return min(limits)
