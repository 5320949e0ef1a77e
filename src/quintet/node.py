"""One node of a config to one object, checked: the only place that calls Hydra's instantiate."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue

from quintet.errors import UserError
from quintet.signature import check_arguments, locate, parameters

# Keys that speak to the rest of the config or to this module, not to the constructor.
RESERVED: dict[str, set[str]] = {
    "metric": {"name", "mode", "fits"},
    "loss": {"fits", "num_outputs", "search_space"},
    "init": {"search_space"},
    "model": {"fits", "weights", "freeze", "search_space"},
    "optimizer": {"weight_decay_on", "layer_decay", "search_space"},
    "scheduler": {"interval", "warmup", "monitor", "search_space"},
    "data": {"task", "kind", "search_space"},
}
HYDRA_KEYS = {"_target_", "_partial_", "_args_", "_convert_", "_recursive_"}


def instantiate(node: DictConfig, where: str, **objects: Any) -> Any:
    """Build what `node` describes, after checking it.

    Args:
        node: has a `_target_` and its arguments.
        where: the node's name in the config, for messages.
        objects: arguments that are no plain data.

    Raises:
        UserError: a target that is not trusted, or arguments that do not fit its signature.

    """
    from hydra.utils import instantiate as hydra_instantiate

    plain = checked(node, where)
    if objects:  # added by a call of ours: Hydra would copy them into a config
        plain["_partial_"] = True
    with explained(where):
        built = hydra_instantiate(plain, _convert_="all")
        return built(**objects) if objects else built


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what a library says of a value that is out of range into a UserError."""
    from hydra.errors import InstantiationException

    try:
        yield
    except InstantiationException as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        raise UserError(f"{where} cannot be built: {error.__cause__ or error}") from error
    except (ValueError, RuntimeError, TypeError) as error:
        raise UserError(f"{where} cannot be built: {error}") from error


def checked(node: DictConfig, where: str) -> dict[str, Any]:
    """Return the node as plain data without reserved keys, checked against its signature."""
    try:
        plain = cast(
            dict[str, Any], OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        )
    except (MissingMandatoryValue, InterpolationToMissingValueError) as error:
        key = getattr(error, "full_key", None) or where
        raise UserError(f"{key} has no value. It is required here: give {key}=<value>.") from None
    return _check(plain, where)


def _check(plain: dict[str, Any], where: str) -> dict[str, Any]:
    target = locate(plain.get("_target_", ""), where)
    takes = parameters(target)
    reserved = RESERVED.get(where, set()) - set(takes)
    plain = {key: value for key, value in plain.items() if key not in reserved}
    arguments = {k: v for k, v in plain.items() if k not in HYDRA_KEYS}
    check_arguments(target, arguments, where)
    for key, value in arguments.items():
        if isinstance(value, dict) and "_target_" in value:
            plain[key] = _check(value, f"{where}.{key}")
    return plain
