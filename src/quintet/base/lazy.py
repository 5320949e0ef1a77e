"""Import of a package's public names on first use."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that imports a public name on first use.

    This lets a package export public names without importing their dependencies, such as torch.

    Args:
        package: `__name__` of the package.
        names: mapping of each name to the module inside the package that defines it.

    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{names[name]}"), name)

    return load
