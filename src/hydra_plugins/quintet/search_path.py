"""Search path for configs: a project's own before those installed with the engine."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class QuintetSearchPath(SearchPathPlugin):
    """Adds `configs/` of the folder in which a command is started, if there is one."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Prepend the folder; in a checkout it is the engine's own and already included."""
        from quintet.base.paths import CONFIGS, SEARCHED

        for folder in reversed(SEARCHED):
            if folder != CONFIGS and folder.is_dir():
                search_path.prepend("project", f"file://{folder}")
