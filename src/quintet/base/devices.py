"""The devices of this machine."""

import os

import torch

from quintet.base.errors import Code, UserError

WORDS = ("accelerator", "device", "gpu", "cuda", "mps")
"""Phrases in Lightning's errors about missing devices."""


def available() -> str:
    """Return the available devices, each with its option of `trainer`.

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


def refusal(error: Exception, accelerator: str, devices: object) -> UserError:
    """Return the `UserError` for an error that Lightning raises about a missing device."""
    if not any(word in str(error).lower() for word in WORDS):
        return UserError(f"cannot be built: {error}", code=Code.FAILED, key="trainer")
    reason = str(error).strip().partition(". The following")[0].rstrip(".")
    return UserError(
        f"The trainer (accelerator={accelerator}, devices={devices}) does not suit this machine: "
        f"{reason}",
        code=Code.UNAVAILABLE,
        hint=f"Available: {available()}. trainer=auto takes the best of them.",
    )


def memory(device: torch.device) -> str:
    """Return a device's memory in use by all processes, such as "6.2/80 GB"; "" for a CPU."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return f"{(total - free) / 1e9:.1f}/{total / 1e9:.0f} GB"
    if device.type == "mps":
        used, total = torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
        return f"{used / 1e9:.1f}/{total / 1e9:.0f} GB"
    return ""
