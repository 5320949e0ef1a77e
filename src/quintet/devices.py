"""What this machine can train on."""

import os

import torch


def available() -> str:
    """Say which devices there are, and the option of `trainer` for each.

    Examples:
        >>> available()  # doctest: +SKIP
        '2 CPU cores (trainer=cpu, trainer=ddp_cpu), no GPU'

    """
    cores = os.cpu_count() or 1
    found = [f"{cores} CPU core{'s' * (cores > 1)} (trainer=cpu, trainer=ddp_cpu)"]
    if count := torch.cuda.device_count():
        found.append(f"{count} CUDA GPU{'s' * (count > 1)} (trainer=gpu, trainer=ddp)")
    if torch.backends.mps.is_available():
        found.append("1 Apple GPU (trainer=mps)")
    return ", ".join(found) + ("" if len(found) > 1 else ", no GPU")
