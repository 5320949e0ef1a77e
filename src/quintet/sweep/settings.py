"""A sweep's own settings, checked before a study is begun with them."""

from omegaconf import DictConfig

from quintet.errors import UserError, nearest

COUNTS = ("n_trials", "slots", "workers", "give_up_after", "ensemble")
MAY_BE_NULL = ("n_trials", "ensemble")
ISOLATIONS = ("fork", "process")


def check(config: DictConfig) -> None:
    """Refuse settings with which no trial could run, or with which a sweep would never end.

    Raises:
        UserError: with what is allowed.

    """
    settings = config.sweeper
    if config.get("resume"):
        raise UserError(
            f"resume={config.resume} goes on with one run, and a sweep begins new ones. Leave out "
            "-m to go on with that run; study=<name> goes on with a sweep."
        )
    for key in COUNTS:
        value = settings[key]
        if not _whole(value, 1) and not (key in MAY_BE_NULL and value is None):
            raise UserError(f"sweeper.{key}={value}: give a whole number from 1 on.")
    if not _whole(settings.seed, 0):
        raise UserError(f"sweeper.seed={settings.seed}: give a whole number from 0 on.")
    limit = settings.timeout
    if limit is not None and not (type(limit) in (int, float) and limit > 0):
        raise UserError(
            f"sweeper.timeout={limit}: give seconds, a number above 0, or null for no end."
        )
    if settings.isolation not in ISOLATIONS:
        raise UserError(
            f"sweeper.isolation={settings.isolation}: there is no such way to start a trial. "
            + nearest(str(settings.isolation), ISOLATIONS)
        )


def _whole(value: object, least: int) -> bool:
    return type(value) is int and value >= least
