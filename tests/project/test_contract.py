"""The engine's contract tests over every option of configs/, including your own."""

from quintet.testing.contract import *  # noqa: F403
