"""Write a trained model as torch.export and ONNX programs, and check that they agree with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import check, staging
from quintet.artifacts.record import CONFIG
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.files import in_place, replacing, write_json
from quintet.config.trust import Trust
from quintet.data.module import DataModule
from quintet.data.named_inputs import rows_of
from quintet.ensembles.reload import Trained, trained
from quintet.modules.sample_predictor import sample_predictor

NAMES = {"torch": "model.pt2", "onnx": "model.onnx"}
WEIGHTS = "model.onnx.data"
"""The second file of a model that is too large for one."""
ABOUT = "preprocessing.json"
DESCRIBED = {"task", "input_shape", "class_names", "preprocess"}
NAMED = DESCRIBED | {"inputs"}
TOLERANCE = 1e-4
"""Largest difference between the outputs of an export and of the model."""


def export(cfg: DictConfig) -> Path:
    """Export a run's model in `cfg.formats` to `cfg.output`, with what a server needs beside it.

    An exported program maps scaled inputs (N, ...) to raw outputs (N, K), for any N;
    `preprocessing.json` says how inputs are scaled and outputs are read; of samples with several
    inputs it names these in their order in a row (N, F), in which a program takes them.

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
            path.replace(folder / path.name)  # what says that they are ours comes first
    console.say("→ [bold]{}[/]", console.shortest(folder))
    return folder


def _is_ours(path: Path) -> bool:
    """Return whether an earlier export wrote a file: its description lies beside it."""
    return untrusted_files.read_json(path.parent, ABOUT, dict).keys() in (DESCRIBED, NAMED)


def _exported(run: Trained) -> tuple[nn.Module, Tensor]:
    """Return what is exported, and samples that it takes.

    Raises:
        UserError: a module of one's own without `example_input_array`.

    """
    if (samples := sample_predictor(run.task, run.data)) is not None:
        model = samples.task.model.eval()
        named = run.cfg.facts.get("inputs")
        return RowModel(model) if named else model, _example(run)
    given = run.task.example_input_array
    if not isinstance(given, Tensor) or not len(given):
        raise UserError(
            f"module={type(run.task).__name__} does not say what its forward takes",
            code=Code.INCOMPATIBLE,
            hint="Set self.example_input_array, a tensor of one sample or more, in its "
            "constructor; its forward has to map tensors (N, ...) to tensors (N, ...).",
        )
    return run.task.eval(), given.expand(max(2, len(given)), *given.shape[1:]).clone()


class RowModel(nn.Module):
    """A model of several inputs as one of rows (N, F), as programs are exported."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for rows, which the model's hook takes apart."""
        return cast(Tensor, self.model(x))


def _example(run: Trained) -> Tensor:
    """Return two samples of the training data's shape and type.

    Raises:
        DamagedError: the config's facts describe no samples.

    """
    with untrusted_files.understood(Path(run.cfg.paths.run) / CONFIG):
        return _samples(run.cfg.facts)


def _samples(facts: DictConfig) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (2, *facts.input_shape)
    if facts.get("inputs"):
        return rows_of({n: _of_input(each, generator) for n, each in facts.inputs.items()})
    if facts.kind == "tokens":
        return torch.randint(1, facts.vocabulary, shape, generator=generator)
    example = torch.randn(shape, generator=generator)
    for column, codes in enumerate(reversed(facts.cardinalities), start=1):
        example[:, -column] = torch.randint(codes, (2,), generator=generator).float()
    return example


def _of_input(given: DictConfig, generator: torch.Generator) -> Tensor:
    shape = (2, *given.shape)
    if given.kind == "tokens":
        return torch.randint(0, given.vocabulary, shape, generator=generator)
    return torch.randn(shape, generator=generator)


Call = Callable[[Tensor], Tensor]


def to_torch_export(model: nn.Module, example: Tensor, folder: Path) -> tuple[Path, Call]:
    """Write model.pt2; return it and the program read back from it."""
    path = folder / NAMES["torch"]
    with replacing(path) as temporary, temporary.open("wb") as file:
        torch.export.save(_program(model, example), file)
    return path, torch.export.load(path).module()


def to_onnx(model: nn.Module, example: Tensor, folder: Path) -> tuple[Path, Call]:
    """Write model.onnx; return it and a session on it.

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
    with in_place(path):  # of a large model it writes a second file, named after the first
        program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return path, lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


FORMATS = {"torch": to_torch_export, "onnx": to_onnx}


def _program(model: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    return torch.export.export(
        model, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
    )


@torch.no_grad()
def _largest_gap(model: nn.Module, call: Call, example: Tensor) -> float:
    """Compare on the example and on a batch of another size, which a frozen size would fail."""
    batches = (example, torch.cat([example.flip(0), example, example[:1]]))
    return max(float((call(x) - model(x)).abs().max()) for x in batches)


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
