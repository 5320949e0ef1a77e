"""Public names of a package that are imported when they are first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that imports a public name on first use.

    A package can so export public names without importing their dependencies, such as torch.

    Args:
        package: `__name__` of the package.
        names: the module inside the package that defines each name.

    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{names[name]}"), name)

    return load
