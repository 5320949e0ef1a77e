"""Puts the configs and the commands into the wheel, where the installed engine looks for them.

All else is in pyproject.toml. An editable install needs none of this: it is the checkout.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class Build(build_py):
    """`configs/` becomes `quintet/configs`, the scripts of `src/` become `quintet/scripts`."""

    def run(self) -> None:
        """Copy them beside the engine's modules, but for options whose code stays outside."""
        super().run()
        if self.editable_mode:
            return
        engine = Path(self.build_lib) / "quintet"
        packed = {name.partition(".")[0] for name in self.packages or ()}
        for path in sorted((ROOT / "configs").rglob("*.yaml")):
            targets = re.findall(r"_target_: (\w+)\.", path.read_text("utf-8"))
            if all(name in packed or not (ROOT / "src" / name).is_dir() for name in targets):
                copy(path, engine / path.relative_to(ROOT))
        for path in sorted((ROOT / "src").glob("*.py")):
            copy(path, engine / "scripts" / path.name)


def copy(source: Path, target: Path) -> None:
    """Copy a file, making its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


setup(cmdclass={"build_py": Build})
