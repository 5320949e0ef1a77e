"""Runs on several machines, which have to find one another."""

import os
from functools import cache
from typing import TYPE_CHECKING, cast

from quintet.base.console import tell
from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    import lightning.pytorch as L

NEEDED = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
"""What says, where no cluster does, where the first machine is and which one this is."""


def check_nodes(trainer: "L.Trainer") -> None:
    """Refuse several machines without a rendezvous; otherwise print that the run waits for them.

    Lightning would listen on this machine only, and wait half an hour for the others in silence.

    Raises:
        UserError: neither a cluster nor the environment connects the machines.

    """
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.pytorch.strategies import ParallelStrategy

    count = trainer.num_nodes
    if count <= 1:
        return
    of = cast(ParallelStrategy, trainer.strategy).cluster_environment
    missing = [name for name in NEEDED if name not in os.environ]
    if isinstance(of, LightningEnvironment) and missing:
        raise UserError(
            f"needs {count} machines that know of one another, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set",
            code=Code.INCOMPATIBLE,
            key="trainer.num_nodes",
            value=count,
            hint=f"On each machine: torchrun --nnodes={count} --nproc-per-node=<GPUs> "
            "--node-rank=<0, 1, ...> --master-addr=<the first machine> --master-port=29500 and the "
            "script with these overrides; or srun in a job of SLURM; or set the variables",
        )
    if of is not None and of.local_rank() == 0:
        _tell_waiting(count, f"{of.main_address}:{of.main_port}")


@cache
def _tell_waiting(count: int, where: str) -> None:
    tell(f"Training starts when {count} machines have joined at {where}.", style="dim")
