"""The trackers of a run, which log its start and, in every case, its end."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from omegaconf import DictConfig

from quintet.artifacts.record import Record
from quintet.base.process import is_first_rank
from quintet.base.secrets import redact
from quintet.trackers.run_facts import about, outcome

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger


class Tracking:
    """Context manager around `recording`, whose record is complete when it exits.

    Any Lightning logger can be used; those of this package log more and cannot interrupt the run.
    """

    def __init__(self) -> None:
        self.loggers: list[Logger] = []
        self.record: Record | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self, cfg: DictConfig, loggers: Sequence["Logger"], record: Record) -> None:
        """Log the start of the run; the record is logged on exit."""
        if not loggers or not is_first_rank():
            return
        from quintet.trackers.tracker import Tracker

        self.record, facts = record, about(cfg)
        for logger in loggers:
            self.loggers.append(logger)
            if isinstance(logger, Tracker):
                logger.begin(facts)
            else:
                logger.log_hyperparams(facts.hparams)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Log the end of the run."""
        for logger in self.loggers:
            self._end(logger, "success" if error is None else "failed")

    def _end(self, logger: "Logger", status: str) -> None:
        from quintet.trackers.tracker import Tracker

        assert self.record is not None
        if isinstance(logger, Tracker):
            logger.end(self.record)
        else:
            logger.log_metrics(outcome(self.record), self.record.epochs)
            logger.finalize(status)


def keep_secrets_from(logger: "Logger") -> "Logger":
    """Make a logger replace secrets in hyperparameters by references; return it.

    Lightning passes it the `save_hyperparameters` of modules and datamodules, whose constructors
    receive the secrets in plain text.
    """
    log = logger.log_hyperparams

    def redacting(params: Any, *arguments: Any, **named: Any) -> Any:
        given = vars(params) if isinstance(params, Namespace) else params
        return log(_redacted(given), *arguments, **named)

    logger.log_hyperparams = redacting  # type: ignore[method-assign]
    return logger


def _redacted(value: Any) -> Any:
    """Redact hyperparameters, including objects that a logger would convert to text."""
    if isinstance(value, Mapping):
        return {key: _redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = redact(whole := str(value), places=False)
    return value if text == whole else text
