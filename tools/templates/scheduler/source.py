"""Inverse square root decay of the learning rate, without a fixed end."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.base.errors import Code, UserError


class NewOption(LRScheduler):
    """The rate times 1 / sqrt(1 + t / timescale) after t ticks (Vaswani et al. 2017, section 5.3).

    It does not depend on the length of the run, so that training can be extended at any time. The
    paper puts a warmup before it: `scheduler.warmup=`.

    Args:
        optimizer: whose rate is scheduled.
        timescale: ticks after which the rate has fallen to 0.71 of its start.
        last_epoch: the last tick; -1 at the start.

    Raises:
        UserError: the timescale is not above 0.

    """

    def __init__(self, optimizer: Optimizer, timescale: float = 1000, last_epoch: int = -1) -> None:
        if timescale <= 0:
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key="scheduler.timescale",
                value=timescale,
                hint="Give a number above 0.",
            )
        self.timescale = timescale
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """Return the rate of each group at this tick."""
        factor: float = (1 + self.last_epoch / self.timescale) ** -0.5
        return [float(rate) * factor for rate in self.base_lrs]
