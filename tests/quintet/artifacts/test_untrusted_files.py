"""Files of an untrusted folder are read, or refused in one message that names the file."""

import io
import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quintet.artifacts import (
    checkpoints,
    output_paths,
    predictions_file,
    steering_files,
    untrusted_files,
)
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.predictions_file import Predictions, read, read_examples
from quintet.artifacts.record import CONFIG, ENSEMBLE, RESULT, Record, Score
from quintet.artifacts.untrusted_files import DamagedError, check_links, inside
from quintet.base.errors import Code, UserError
from quintet.diagnostics import training_curves
from quintet.report.run import run_page as run_page
from quintet.report.run import setup_sections
from quintet.report.run.run_data import RunData
from quintet.study.space import Choice, Space
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.sweep import trial_outcome
from quintet.trackers import mlflow_run, wandb_run
from quintet.training.initialization import tensors
from refusals import Refusal

Reader = Callable[[Path], object]
BEST = f"{checkpoints.FOLDER}/best.ckpt"
READERS: dict[str, list[Reader]] = {
    RESULT: [Record.read, trial_outcome.recorded, run_page.write],
    ENSEMBLE: [Ensemble.read],
    predictions_file.FILE: [read, read_examples],
    BEST: [lambda f: checkpoints.load(f / BEST), checkpoints.newest, lambda f: tensors(str(f))],
    "metrics.csv": [lambda f: training_curves.read(f / "metrics.csv")],
    "check.json": [lambda f: RunData.read(f).checks],
    output_paths.LAYERS: [lambda f: setup_sections.checks(RunData.read(f))],
    "lr_range.csv": [lambda f: setup_sections.checks(RunData.read(f))],
    steering_files.CHANGES: [steering_files.read],
    steering_files.REQUESTS: [steering_files.asked],
    JOURNAL: [lambda f: Study.read(f).frame()],
    mlflow_run.KEPT: [mlflow_run.known_id],
    "leaderboard.csv": [lambda f: untrusted_files.read_table(f, "leaderboard.csv")],
}
CASES = [(name, reader) for name, readers in READERS.items() for reader in readers]


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def refusal(reader: Reader, folder: Path) -> str | None:
    """Return how a reader refuses what is in a folder; None where it reads it."""
    try:
        reader(folder)
    except (UserError, FileNotFoundError) as error:
        return str(error)
    return None


def fill(folder: Path) -> Path:
    """Write one of each file, as the commands do."""
    record = Record(Score("accuracy", "max", 0.5), seed=0, status="completed", epochs=1)
    record.facts = {"class_names": ["a", "b"], "num_classes": 2, "task": "binary"}
    record.choices, record.checkpoint = {"model": "mlp", "data": "digits"}, BEST
    record.overrides, record.test = ["model=mlp"], {"accuracy": 0.5}
    record.steering = [{"key": "stop", "epoch": 0, "before": None, "after": True, "refused": ""}]
    record.write(folder)
    (folder / CONFIG).write_text("report: true\n")
    Ensemble("accuracy", "max", {"folds/0": 1}).write(folder)
    ones = np.arange(4)
    predictions_file.write(
        folder, {"val": Predictions("binary", ones, ones % 2, ones / np.float32(4), 4)}
    )
    (folder / checkpoints.FOLDER).mkdir()
    torch.save({"state_dict": {"model.x": torch.ones(8)}, "global_step": 1}, folder / BEST)
    (folder / "metrics.csv").write_text("epoch,step,lr,val/accuracy\n0,1,0.1,0.5\n")
    finding = {"verdict": "warn", "name": "a", "seen": "b", "cure": "c"}
    (folder / "check.json").write_text(json.dumps([finding]))
    (folder / output_paths.LAYERS).write_text("name,kind,std,gradient\nhidden,Linear,1.0,0.1\n")
    (folder / "lr_range.csv").write_text("lr,loss\n0.1,0.2\n")
    steering_files.ask(folder, [steering_files.Request("now", "stop", True)])
    steering_files.write(folder, [steering_files.Change("now", "now", 0, 1, "stop", False, True)])
    (folder / mlflow_run.KEPT).write_text("0123456789abcdef0123456789abcdef\n")
    study = Study(folder, "max")
    study.create({"model": "mlp"}, Space((Choice("model", ("mlp", "cnn")),)), {"epochs": 1})
    (folder / "leaderboard.csv").write_text("trial,state\n0,completed\n")
    return folder


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """What each file holds."""
    with tempfile.TemporaryDirectory() as place:
        folder = fill(Path(place))
        return {name: (folder / name).read_bytes() for name in [*READERS, CONFIG]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path)


@pytest.mark.parametrize(("name", "reader"), CASES)
def test_what_we_wrote_is_read(name: str, reader: Reader, folder: Path) -> None:
    reader(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return a file with some bytes replaced, cut short, something else, or with other values."""
    how = draw(st.sampled_from(["bytes", "cut", "other", "text", "values"]))
    if how == "other":
        return draw(st.binary(max_size=80))
    if how == "text":
        return json.dumps(draw(JSON)).encode()
    if how == "values":
        return draw(revalued(whole))
    place = draw(st.integers(0, len(whole)))
    if how == "cut":
        return whole[:place]
    return whole[:place] + draw(st.binary(max_size=4)) + whole[place + draw(st.integers(0, 4)) :]


@st.composite
def revalued(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return lines of JSON, or cells of a CSV, one value of which is another."""
    try:
        lines = [json.loads(line) for line in whole.splitlines()]
    except ValueError:
        try:
            lines = [json.loads(whole)]
        except ValueError:
            cells = whole.split(b",")
            cells[draw(st.integers(0, len(cells) - 1))] = json.dumps(draw(JSON)).encode()
            return b",".join(cells)
    node: Any = lines
    while isinstance(node, dict | list) and node:
        key = draw(st.sampled_from([*node] if isinstance(node, dict) else [*range(len(node))]))
        above, node = node, node[key]
        if not isinstance(node, dict | list) or draw(st.integers(0, 2)) == 0:
            break
    above[key] = draw(JSON)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.mark.parametrize(("name", "reader"), CASES)
def test_garbage_is_read_or_refused(name: str, reader: Reader, contents: dict[str, bytes]) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(spoilt(contents[name]))
    def tried(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / checkpoints.FOLDER).mkdir()
            for other, kept in contents.items():
                (folder / other).write_bytes(content if other == name else kept)
            assert place in (refusal(reader, folder) or place)

    tried()


OF_A_PATH = (trial_outcome.recorded, READERS[BEST][0])
REFUSING = [case for case in CASES if case[1] not in OF_A_PATH]


@pytest.mark.parametrize(("name", "reader"), REFUSING)
def test_a_link_out_of_the_folder_is_not_followed(
    name: str, reader: Reader, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "file"
    (folder / name).rename(target)
    (folder / name).symlink_to(target)
    with pytest.raises(DamagedError, match="leads out of"):
        reader(folder)


@pytest.mark.parametrize(("name", "reader"), REFUSING)
def test_a_link_within_the_folder_is_followed(name: str, reader: Reader, folder: Path) -> None:
    (folder / name).rename(folder / "kept")
    (folder / name).symlink_to(folder / "kept")
    reader(folder)


@pytest.mark.parametrize("to", [".", "..", "../../run"])
def test_a_link_to_a_folder_that_contains_it_is_refused_as_such(to: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "folds").mkdir(parents=True)
    (folder / "folds/0").symlink_to(to)
    for refused in (lambda: inside(folder, "folds/0"), lambda: check_links(folder)):
        with pytest.raises(DamagedError, match="a link to a folder that contains it"):
            refused()


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert Record.read(link).checkpoint == BEST


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize(("name", "reader"), CASES)
def test_what_is_not_a_file_is_missing_or_refused(
    name: str, reader: Reader, make: Callable[[Path], None], folder: Path
) -> None:
    (folder / name).unlink()
    make(folder / name)
    assert str(folder) in (refusal(reader, folder) or str(folder))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a\0b"])
def test_no_name_leads_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        inside(tmp_path, name)


@pytest.mark.parametrize("place", ["../elsewhere/best.ckpt", "/etc/passwd"])
def test_a_record_names_no_place_outside(place: str, folder: Path) -> None:
    record = Record.read(folder)
    record.checkpoint = place
    record.write(folder)
    with pytest.raises(DamagedError, match="not a path inside"):
        Record.read(folder)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "members/../..", "trials/0", "members"])
def test_an_ensemble_has_no_member_outside(name: str, folder: Path) -> None:
    Ensemble("accuracy", "max", {name: 1}).write(folder)
    with pytest.raises(DamagedError, match=ENSEMBLE):
        Ensemble.read(folder)


def test_unknown_fields_are_left_out_and_told(folder: Path, capsys: Any) -> None:
    path = folder / RESULT
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shininess": 3}))
    assert Record.read(folder).seed == 0
    assert "leaves out: shininess" in capsys.readouterr().out


def test_a_later_version_is_refused_by_name(folder: Path) -> None:
    path = folder / RESULT
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(DamagedError, match=r"result\.json .*version 2"):
        Record.read(folder)


@pytest.mark.parametrize(
    "text",
    ["[" * 10**6, '{"a":' * 10**5, "9" * 10**5, '{"metric": "\\ud800"}', "", "[]", '{"seed": 1}'],
)
def test_bad_json_is_one_refusal(text: str, folder: Path) -> None:
    (folder / RESULT).write_text(text)
    with pytest.raises(DamagedError, match=RESULT):
        Record.read(folder)


def test_a_monstrous_cell_is_refused(folder: Path) -> None:
    (folder / "metrics.csv").write_text("epoch\n" + "1" * (untrusted_files.MOST_CELL + 1) + "\n")
    with pytest.raises(DamagedError, match="metrics"):
        training_curves.read(folder / "metrics.csv")


@pytest.mark.parametrize(("name", "text"), [("metrics.csv", "a\n" + "1\n" * 99), (RESULT, "[],")])
def test_very_many_values_are_refused_before_they_are_read(
    name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untrusted_files, "MOST_VALUES", 50)
    (folder / name).write_text(text * 99)
    reader = training_curves.read if name != RESULT else lambda path: Record.read(path.parent)
    with pytest.raises(DamagedError, match="more than 50 values"):
        reader(folder / name)


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / RESULT).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DamagedError, match="more than"):
        Record.read(tmp_path)


def npz(path: Path, shape: tuple[int, ...], kind: str, content: bytes = b"") -> None:
    """Write an npz file whose array says that it has a shape."""
    header = io.BytesIO()
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, about)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("val.index.npy", header.getvalue() + content)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((2**50,), "<f8"), ((0, 2**60), "<f8"), ((2**60,), "<U0"), ((1,), "|O"), ((2,), "<f8")],
)
def test_an_array_that_is_not_what_it_says_is_refused(
    shape: tuple[int, ...], kind: str, tmp_path: Path
) -> None:
    npz(tmp_path / predictions_file.FILE, shape, kind, b"\0" * 8)
    with pytest.raises(DamagedError, match=r"predictions\.npz"):
        read(tmp_path)


@pytest.mark.parametrize("name", [predictions_file.FILE, BEST])
def test_a_zip_bomb_is_refused(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("val.index.npy", b"\0" * 10**7)
    with Refusal(Code.DAMAGED, match=Path(name).name):
        read(folder) if name == predictions_file.FILE else checkpoints.load(folder / name)


@pytest.mark.parametrize("name", [*READERS])
def test_no_pickle_is_loaded(name: str, folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    bomb = pickle.dumps(Bomb(trace))
    for content in (bomb, _zipped(bomb, folder / BEST)):
        (folder / name).write_bytes(content)
        for reader in READERS[name]:
            assert str(folder) in (refusal(reader, folder) or str(folder))
    assert not trace.exists()


def _zipped(content: bytes, like: Path) -> bytes:
    if not zipfile.is_zipfile(like):
        return content
    made = io.BytesIO()
    with zipfile.ZipFile(like) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    return made.getvalue()


def gigantic() -> Iterator[tuple[str, Any]]:
    """Return tensors that take no room in the file, and much in memory."""
    yield "expanded", torch.ones(1).expand(2**40)
    yield (
        "sparse",
        torch.sparse_coo_tensor(torch.zeros(1, 1), torch.ones(1), (2**40,), check_invariants=True),
    )
    yield "meta", torch.empty(2**40, device="meta")


@pytest.mark.parametrize(("kind", "tensor"), [*gigantic()])
def test_a_tensor_larger_than_its_file_is_refused(kind: str, tensor: Any, folder: Path) -> None:
    torch.save({"state_dict": {"model.x": tensor}}, folder / BEST)
    with pytest.raises(DamagedError, match=r"best\.ckpt"):
        checkpoints.load(folder / BEST)


@pytest.mark.parametrize("content", [[1], {"state_dict": [1]}, {"state_dict": {"a": 1}}, "x"])
def test_a_checkpoint_of_something_else_is_refused(content: Any, folder: Path) -> None:
    torch.save(content, folder / BEST)
    with pytest.raises(DamagedError, match=r"best\.ckpt"):
        checkpoints.weights(checkpoints.load(folder / BEST), folder / BEST)


@pytest.mark.parametrize("found", ["../../other", "a b", "", "0" * 65, "run?x=1"])
def test_a_trackers_id_is_one_and_no_address(found: str, tmp_path: Path) -> None:
    (tmp_path / mlflow_run.KEPT).write_text(f"{found}\n")
    with pytest.raises(DamagedError, match="does not hold the id of a run"):
        mlflow_run.known_id(tmp_path)
    place = tmp_path / "wandb/offline-run-1"
    place.mkdir(parents=True)
    (place / f"run-{found.replace('/', ' ')}.wandb").touch()
    with pytest.raises(DamagedError, match="does not hold the id of a run"):
        wandb_run.known_id(tmp_path)


def test_links_and_pipes_stop_whoever_would_write(folder: Path) -> None:
    untrusted_files.check_links(folder)
    os.mkfifo(folder / "pipe")
    with pytest.raises(DamagedError, match="not a regular file"):
        untrusted_files.check_links(folder)
    (folder / "pipe").unlink()
    (folder / checkpoints.FOLDER / "last.ckpt").symlink_to("/etc/passwd")
    with pytest.raises(DamagedError, match="leads out of"):
        untrusted_files.check_links(folder)


@pytest.mark.parametrize("place", ["wandb/artifacts", "tensorboard/x", "mlruns", "run-1/x"])
def test_links_in_a_trackers_folder_lead_out_no_more_than_others(place: str, folder: Path) -> None:
    logs = folder / "wandb" / "offline-run-20261128_041104-993390e8" / "logs"
    logs.mkdir(parents=True)
    (logs / "debug-core.log").symlink_to("/tmp/of-wandb-itself.log")
    untrusted_files.check_links(folder)
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).symlink_to("/tmp")
    with pytest.raises(DamagedError, match="leads out of"):
        untrusted_files.check_links(folder)


def test_a_request_is_not_appended_through_a_link(folder: Path, tmp_path: Path) -> None:
    target = tmp_path.parent / f"{tmp_path.name}.target"
    target.write_text("mine")
    (folder / steering_files.REQUESTS).unlink()
    (folder / steering_files.REQUESTS).symlink_to(target)
    with pytest.raises(DamagedError, match="leads out of"):
        steering_files.ask(folder, [steering_files.Request("now", "stop", True)])
    assert target.read_text() == "mine"


def test_a_record_is_not_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    target = tmp_path.parent / f"{tmp_path.name}.record"
    target.write_text("mine")
    record = Record.read(folder)
    (folder / RESULT).unlink()
    (folder / RESULT).symlink_to(target)
    record.write(folder)
    assert target.read_text() == "mine"
    assert Record.read(folder) == record


def test_a_fold_is_no_address(folder: Path) -> None:
    """A report links to it."""
    record = Record.read(folder)
    record.repeats = {"javascript:alert(1)": 0.5}
    record.write(folder)
    with pytest.raises(DamagedError, match="not the folder of a fold"):
        Record.read(folder)
