"""A project's own configs before those that are installed with the engine."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class QuintetSearchPath(SearchPathPlugin):
    """Looks into `configs/` of the folder that a command is started in, where there is one."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Put the folder first; in a checkout it is the engine's own, and there already."""
        from quintet.base.paths import CONFIGS, SEARCHED

        for folder in reversed(SEARCHED):
            if folder != CONFIGS and folder.is_dir():
                search_path.prepend("project", f"file://{folder}")
