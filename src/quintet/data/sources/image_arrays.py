"""Images as arrays: which axis holds the channels, and which value is white."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError, check_known

Channels = Literal["first", "last"]
USUAL = (1, 3, 4)
"""Numbers of channels: grey, colour, and colour with an alpha channel."""
WHITE = {"uint8": 255.0, "uint16": 65535.0}
"""White of the types that define it; all others are left unchanged, for data.scale."""


def channels_of(shape: tuple[int, ...], given: str | None) -> tuple[Channels, str]:
    """Return where the channels of images (N, _, _, _) are, and a remark on how that was found.

    A usual number of channels on only one side decides; else the assumption that two equal sides
    are height and width; else the smaller number.
    """
    if given is not None:
        check_known("data.channels", given, get_args(Channels))
    first, middle, last = shape[1:]
    if given is not None:
        found: Channels = "first" if given == "first" else "last"
    elif (first in USUAL) != (last in USUAL):
        found = "first" if first in USUAL else "last"
    elif (first == middle) != (middle == last):
        found = "last" if first == middle else "first"
    else:
        found = "last" if last < first else "first"
    count = first if found == "first" else last
    if given is not None or (count in USUAL and first != last):
        return found, ""
    other = "last" if found == "first" else "first"
    return found, (
        f"{count} channels, taken from the {found} of the axes {first}, {middle}, {last} "
        f"(otherwise: data.channels={other})."
    )


def white_of(inputs: NDArray[Any]) -> float:
    """Return the value of white for the type of an array, or 1."""
    return WHITE.get(inputs.dtype.name, 1.0)


def white_for(inputs: NDArray[Any], reader: dict[str, Any]) -> tuple[float, str]:
    """Return the divisor that scales new images like those of training, and a remark.

    Args:
        inputs: new images, of any type.
        reader: of the training data.

    Raises:
        UserError: the values fit neither those of training nor fractions of white.

    """
    name, trained = inputs.dtype.name, reader.get("dtype")
    if trained is None:  # images from files, or data of the project's own: values 0 to `white`
        own = white_of(inputs) / float(reader.get("white") or 1.0)
        return (own, f"Values of type {name} are scaled by their type.") if name in WHITE else (
            1.0, "")  # fmt: skip
    white = WHITE.get(trained, 1.0)
    if name == trained:
        return white, ""
    low, high = (float(inputs.min()), float(inputs.max())) if inputs.size else (0.0, 0.0)
    if white == 1.0:
        return 1.0, f"Values are {name}, in training they were {trained}; they are used unchanged."
    whole = inputs.dtype.kind in "iu" or bool((inputs == np.round(inputs)).all())
    if low >= 0 and high <= 1 and inputs.dtype.kind == "f":
        return 1.0, f"Values from {low:g} to {high:g} are read as fractions of white."
    if whole and low >= 0 and high <= white:
        return white, f"Values are {name}; as in training ({trained}), {white:g} is white."
    raise UserError(
        f"The images are {name} from {low:g} to {high:g}, but those of training were {trained}",
        code=Code.INCOMPATIBLE,
        hint=f"Give {trained}, or fractions from 0 to 1",
    )
