"""The text of `--help`, generated from a command's docstring and the comments in its configs."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from quintet.base import paths

# Comments in a config: "  - optimizer: adam # A: how they move ..." and "seed: 42 # ...".
GROUP = re.compile(r"^  - (\w+): (\S+)(?: *# *(?:[A-Z]: )?(.*))?$", re.MULTILINE)
KEY = re.compile(r"^(\w+): *([^#\n]*?)(?: *# (.*))?$", re.MULTILINE)
FILLED_IN = ("defaults", "choices", "overrides", "facts", "hydra")
NO_CHOICE = ("paths/default", "callbacks/default")
REACHED = (
    "data.batch_size",
    "data.fraction",
    "model.width",
    "model.depth",
    "model.weights",
    "model.freeze",
    "optimizer.lr",
    "optimizer.weight_decay",
    "optimizer.layer_decay",
    "scheduler.warmup",
    "trainer.max_epochs",
    "trainer.gradient_clip_val",
    "callbacks.early_stopping.patience",
)
"""The most frequently used keys of train.py below the top level."""
MORE = """More
  {script} optimizer=adam --help   what an option is, and its keys
  {script} --cfg job               the config as composed
  {script} --hydra-help            all other flags"""


def text(config_name: str, about: str, arguments: Sequence[str] = ()) -> str:
    """Return the help of a command.

    Args:
        config_name: primary config of the command.
        about: docstring of the command: description, an empty line, example commands.
        arguments: command-line arguments; for each `<group>=<option>` the option's file is shown.

    """
    if files := [path for argument in arguments for path in option_files(argument)]:
        return "\n\n".join(f"{paths.shown(p)}\n{_indented(p)}" for p in files)
    primary = paths.config(config_name).read_text()
    trains = config_name == "train" or "\n  - train\n" in primary
    if trains and config_name != "train":
        primary = paths.config("train").read_text() + "\n" + primary
    what, _, commands = about.strip().partition("\n\n")
    groups, script = "\n".join(_groups(primary)), f"python src/{config_name}.py"
    parts = [what, textwrap.indent(commands, "  ")]
    if groups:
        parts.append(f"Choices, as group=option; [the default]\n{groups}")
    parts.append("Keys, as key=value\n" + "\n".join(_keys(primary, nested=trains)))
    if trains:
        parts.append(MORE.format(script=script))
    return "\n\n".join(parts)


def option_files(argument: str) -> list[Path]:
    """Return the files that define `<group>=<option>`, its defaults first; [] if there are none."""
    group, _, option = argument.partition("=")
    path = paths.find(f"{group}/{option}") if option else None
    if path is None:
        return []
    below = re.search(r"^defaults:\s*(?:- |\[)(\w+)", path.read_text(), re.MULTILINE)
    return [*(option_files(f"{group}={below[1]}") if below else []), path]


def options(group: str) -> list[str]:
    """Return the options of a group."""
    return [n for n in paths.options(group) if n != "base" and f"{group}/{n}" not in NO_CHOICE]


def _indented(path: Path) -> str:
    return textwrap.indent(path.read_text().rstrip(), "  ")


def _groups(primary: str) -> Iterator[str]:
    width = min(shutil.get_terminal_size().columns, 100)
    for group, default, comment in GROUP.findall(primary):
        if names := options(group):
            shown = " ".join(f"[{name}]" if name == default else name for name in names)
            yield f"  {group:13} {comment}".rstrip()
            yield textwrap.fill(shown, width, initial_indent=" " * 16, subsequent_indent=" " * 16)


def _keys(primary: str, *, nested: bool) -> Iterator[str]:
    for key, value, comment in KEY.findall(primary):
        if value and key not in FILLED_IN:  # without a value it is a node
            yield _line(key, value, comment)
    defaults = {group: default for group, default, _ in GROUP.findall(primary)}
    for name in REACHED if nested else ():
        group = name.partition(".")[0]
        known = defaults.get(group, "null")
        paths = option_files(f"{group}={'default' if known == 'null' else known}")
        leaf = re.compile(KEY.pattern.replace(r"^(\w+)", rf"^ *({name.rpartition('.')[2]})"), re.M)
        texts = [*(path.read_text() for path in reversed(paths)), primary]
        if found := leaf.search("\n".join(texts)):
            yield _line(name, found[2], found[3])


def _line(key: str, value: str, comment: str | None) -> str:
    required = "required" if value == "???" else value
    return f"  {key:34} {required:12} {comment or ''}".rstrip()
