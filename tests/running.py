"""The suite's short name for `quintet.testing.running`."""

from quintet.paths import CONFIGS as CONFIGS
from quintet.paths import ROOT as ROOT
from quintet.testing.running import *  # noqa: F403
