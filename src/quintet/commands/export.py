"""Write a trained model as torch.export and ONNX programs, and check that they agree with it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import check, staging
from quintet.artifacts.record import CONFIG
from quintet.base import console, schema
from quintet.base.errors import Code, UserError
from quintet.base.files import in_place, replacing, write_json
from quintet.config.trust import Trust
from quintet.data.module import DataModule
from quintet.data.named_inputs import names_taken, rows_of, split_row
from quintet.data.samples import NamedInput
from quintet.ensembles.reload import Trained, trained
from quintet.modules.sample_predictor import sample_predictor
from quintet.options.torch_internals import tree_leaves

NAMES = {"torch": "model.pt2", "onnx": "model.onnx"}
WEIGHTS = "model.onnx.data"
"""The second file of a model that is too large for one."""
ABOUT = "preprocessing.json"
DESCRIBED = {"task", "input_shape", "class_names", "preprocess"}
NAMED = DESCRIBED | {"inputs"}
TOLERANCE = 1e-4
"""Largest difference between the outputs of an export and of the model."""


def export(cfg: DictConfig) -> Path:
    """Export a run's model in `cfg.formats` to `cfg.output`, along with what a server needs.

    An exported program maps scaled inputs (N, ...) to raw outputs (N, K), for any N;
    `preprocessing.json` says how inputs are scaled and how outputs are read. A model that takes
    several inputs by name takes them by name in the program too; any other takes rows (N, F) that
    hold them in the order given by `preprocessing.json`.

    Raises:
        UserError: the run cannot be rebuilt, an unknown format, or an export that disagrees.

    """
    console.quiet(cfg.debug)
    formats = [cfg.formats] if isinstance(cfg.formats, str) else cfg.formats
    if unknown := [name for name in formats if name not in FORMATS]:
        raise UserError(
            "is unknown", code=Code.UNKNOWN_NAME, key="formats", value=unknown[0], allowed=FORMATS
        )
    run = trained(Path(cfg.run), cfg.checkpoint, Trust.of(cfg.get("trust")))
    folder = Path(cfg.output) if cfg.output else untrusted_files.inside(Path(cfg.run), "export")
    given = {"run": cfg.run} if cfg.output else {}
    for name in (*NAMES.values(), WEIGHTS, ABOUT):
        check(folder / name, given, _is_ours, overwrite=bool(cfg.get("overwrite")))
    model, example = _exported(run)
    folder.mkdir(parents=True, exist_ok=True)
    with staging(folder, ".export.") as place:
        write_json(place / ABOUT, _description(run))
        for name in formats:
            path, call = FORMATS[name](model, example, place)
            gap = _largest_gap(model, call, example)
            if not gap <= TOLERANCE:
                raise UserError(
                    f"{path.name} differs from the model by {gap:.2g}, over {TOLERANCE}",
                    code=Code.FAILED,
                )
            console.say("{}: outputs within {:.1e} of the model's", path.name, gap)
        for path in sorted(place.iterdir(), key=lambda path: path.name != ABOUT):
            path.replace(folder / path.name)  # the file that marks the others as ours comes first
    console.say("→ [bold]{}[/]", console.shortest(folder))
    return folder


def _is_ours(path: Path) -> bool:
    """Return whether an earlier export wrote a file: then its description is in the same folder."""
    return untrusted_files.read_json(path.parent, ABOUT, dict).keys() in (DESCRIBED, NAMED)


@dataclass(frozen=True)
class Given:
    """The arguments of a program: tensors (N, ...) of the same samples, by position or by name.

    Args:
        args: by position.
        named: by name.

    """

    args: tuple[Tensor, ...] = ()
    named: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, in order."""
        return (*self.args, *self.named.values())

    def map(self, function: Callable[[Tensor], Tensor]) -> "Given":
        """Apply a function to each tensor."""
        return Given(
            tuple(map(function, self.args)), {n: function(t) for n, t in self.named.items()}
        )

    def of(self, model: Callable[..., Any]) -> list[Tensor]:
        """Return the tensors that a model outputs for them, in order."""
        return [t for t in tree_leaves(model(*self.args, **self.named)) if isinstance(t, Tensor)]


def _exported(run: Trained) -> tuple[nn.Module, Given]:
    """Return the module to export, and example inputs.

    Raises:
        UserError: a custom module without `example_input_array`.

    """
    if (samples := sample_predictor(run.task, run.data)) is not None:
        model, example = samples.task.model.eval(), _example(run)
        inputs = _inputs(run.cfg)
        if names := names_taken(model, inputs):
            parts = split_row(example, inputs)
            return model, Given(named={name: parts[name] for name in names})
        return model, Given((example,))
    given = run.task.example_input_array
    if given is None and isinstance(run.data, DataModule):
        given = _example(run)  # most modules take such samples
    example_of = Given(named=given) if isinstance(given, Mapping) else Given(_tuple(given))
    model = run.task.eval()
    if not _takes(model, example_of):
        raise UserError(
            "does not state the inputs of its forward",
            code=Code.INCOMPATIBLE,
            key="module",
            value=type(run.task).__name__,
            hint="Set self.example_input_array, a tensor of one sample or more, a tuple or a dict "
            "of these, in its constructor; its forward has to map tensors (N, ...) to tensors "
            "(N, ...).",
        )
    return model, example_of.map(lambda x: torch.cat([x, x])[: max(2, len(x))])


def _tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, tuple | list) else (given,)


@torch.no_grad()
def _takes(model: nn.Module, given: Given) -> bool:
    """Return whether a model maps an example of tensors (N, ...) to tensors."""
    whole = given.tensors
    if not whole or not all(isinstance(x, Tensor) and x.dim() and len(x) for x in whole):
        return False
    try:
        return bool(given.of(model))
    except Exception:
        return False


def _inputs(cfg: DictConfig) -> dict[str, NamedInput]:
    """Return the inputs of a sample by name; {} if it has a single one.

    Raises:
        DamagedError: the config's facts do not describe any.

    """
    with untrusted_files.understood(Path(cfg.paths.run) / CONFIG):
        given = OmegaConf.to_container(cfg.facts.get("inputs") or OmegaConf.create({}))
        return {
            str(name): schema.build(NamedInput, each)
            for name, each in cast("dict[str, Any]", given).items()
        }


def _example(run: Trained) -> Tensor:
    """Return two samples of the training data's shape and type.

    Raises:
        DamagedError: the config's facts do not describe samples.

    """
    with untrusted_files.understood(Path(run.cfg.paths.run) / CONFIG):
        return _samples(run.cfg.facts)


def _samples(facts: DictConfig) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (2, *facts.input_shape)
    if facts.get("inputs"):
        parts = {n: _of_input(each, generator) for n, each in facts.inputs.items()}
        return _with_codes(rows_of(parts), facts.cardinalities, generator)
    if facts.kind == "tokens":
        return torch.randint(1, facts.vocabulary, shape, generator=generator)
    return _with_codes(torch.randn(shape, generator=generator), facts.cardinalities, generator)


def _with_codes(x: Tensor, cardinalities: list[int], generator: torch.Generator) -> Tensor:
    """Return rows (2, ...) whose last columns are category codes."""
    for column, codes in enumerate(reversed(cardinalities), start=1):
        x[:, -column] = torch.randint(codes, (2,), generator=generator).float()
    return x


def _of_input(given: DictConfig, generator: torch.Generator) -> Tensor:
    shape = (2, *given.shape)
    if given.kind == "tokens":
        return torch.randint(0, given.vocabulary, shape, generator=generator)
    return torch.randn(shape, generator=generator)


Call = Callable[[Given], list[Tensor]]


def to_torch_export(model: nn.Module, example: Given, folder: Path) -> tuple[Path, Call]:
    """Write model.pt2; return its path and the program read back from it."""
    path = folder / NAMES["torch"]
    with replacing(path) as temporary, temporary.open("wb") as file:
        torch.export.save(_program(model, example), file)
    program = torch.export.load(path).module()
    return path, lambda given: given.of(program)


def to_onnx(model: nn.Module, example: Given, folder: Path) -> tuple[Path, Call]:
    """Write model.onnx; return its path and a session on it.

    Raises:
        UserError: the packages for ONNX are not installed.

    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"ONNX needs {error.name}, which is not installed",
            code=Code.UNAVAILABLE,
            hint="Install it: `pip install -e '.[onnx]'`",
        ) from None
    path = folder / NAMES["onnx"]
    program = torch.onnx.export(_program(model, example), dynamo=True, verbose=False)
    assert program is not None
    with in_place(path):  # for a large model it writes a second file, named after the first
        program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def call(given: Given) -> list[Tensor]:
        pairs = given.named.items() if given.named else zip(names, given.args, strict=True)
        fed = {name: x.numpy() for name, x in pairs}
        return [torch.from_numpy(each) for each in session.run(None, fed)]

    return path, call


FORMATS = {"torch": to_torch_export, "onnx": to_onnx}


def _program(model: nn.Module, example: Given) -> torch.export.ExportedProgram:
    """Return the program of a model for batches of any size.

    Raises:
        UserError: torch cannot trace it.

    """
    names = [*inspect.signature(model.forward).parameters]
    sizes = [{0: torch.export.Dim("batch")}] * len(example.tensors)
    shapes = dict(zip(example.named or names, sizes, strict=False))
    try:
        return torch.export.export(
            model, example.args, dict(example.named), dynamic_shapes=shapes, strict=False
        )
    except Exception as error:  # whatever a user's forward raises
        said = next((line for line in map(str.strip, str(error).splitlines()) if line), "")
        raise UserError(
            f"{type(model).__name__} cannot be exported for batches of any size "
            f"({type(error).__name__}: {said})",
            code=Code.INCOMPATIBLE,
            hint="In its forward, take sizes from x.shape, not from len(x), and let no branch "
            "depend on the values of a tensor. debug=true shows where.",
        ) from error


@torch.no_grad()
def _largest_gap(model: nn.Module, call: Call, example: Given) -> float:
    """Compare on the example and on another batch size, where a frozen batch size would fail."""
    larger = example.map(lambda x: torch.cat([x.flip(0), x, x[:1]]))
    pairs = (zip(call(x), x.of(model), strict=True) for x in (example, larger))
    gaps = [float((a - b).abs().max()) for pair in pairs for a, b in pair]
    return max(gaps)


def _description(run: Trained) -> dict[str, object]:
    facts = run.cfg.facts
    named = OmegaConf.to_container(facts.get("inputs") or OmegaConf.create({}))
    return {
        "task": facts.task,
        "input_shape": list(facts.input_shape or []),
        "class_names": list(facts.class_names or []),
        "preprocess": _preprocessing(run.data) if isinstance(run.data, DataModule) else {},
        **({"inputs": named} if named else {}),
    }


def _preprocessing(data: DataModule) -> dict[str, object]:
    return cast("dict[str, object]", _plain(data.preprocess.state_dict()))


def _plain(value: Any) -> Any:
    """Return nested tensors as lists of numbers."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.tolist() if isinstance(value, Tensor) else value
