"""The suite's short name for `quintet.testing.running`."""

from quintet.base.paths import CONFIGS as CONFIGS
from quintet.base.paths import ROOT as ROOT
from quintet.testing.running import *  # noqa: F403
