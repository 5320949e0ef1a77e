"""The engine's contracts over every option of configs/: your options are tested by existing."""

from quintet.testing.contract import *  # noqa: F403
