"""A table that names an image in each row: images alone, or beside the other columns."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

import outside
import runs
from quintet.base.errors import Code, UserError
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.data.module import DataModule
from quintet.data.named_inputs import split_row
from quintet.data.scaling.named_preprocess import NamedPreprocess
from quintet.data.sources.reader import read_new
from quintet.data.sources.tables import csv
from refusals import Refusal
from runs import Once

pillow = pytest.importorskip("PIL.Image")
ROWS = 60


def write(folder: Path, columns: bool = True, rows: int = ROWS) -> Path:
    """Write a table and its images, whose brightness and length say the class."""
    draw = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    lines = ["photo,length,colour,kind" if columns else "photo,kind"]
    for i in range(rows):
        pixels = draw.integers(0, 90, (6, 5)) + 80 * (i % 2)
        pillow.fromarray(pixels.astype("uint8")).save(folder / "photos" / f"{i}.png")
        length = "" if i == 7 else f"{3 * (i % 2) + draw.normal():.2f}"
        own = [length, "red" if i % 3 else "blue"] if columns else []
        lines.append(",".join([f"photos/{i}.png", *own, "cat" if i % 2 else "dog"]))
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def test_an_image_beside_columns_is_an_input_of_its_own(tmp_path: Path) -> None:
    samples = csv(str(write(tmp_path)), target="kind", image="photo")
    assert {n: (i.kind, i.shape) for n, i in samples.inputs.items()} == {
        "image": ("image", [1, 6, 5]),
        "table": ("table", [2]),
    }
    found = split_row(samples.x, samples.inputs)
    assert float(found["image"][1].mean()) > float(found["image"][0].mean())
    assert found["table"][:, 0].isnan().sum() == 1
    assert samples.cardinalities == [3]
    assert [c.use for c in samples.columns] == ["images", "input", "input", "target"]


def test_numbers_are_scaled_and_filled_and_categories_stay_codes(tmp_path: Path) -> None:
    samples = csv(str(write(tmp_path)), target="kind", image="photo")
    scaling = NamedPreprocess(samples.inputs, "standard").fit(samples.x, samples.y, samples)
    found = split_row(scaling.transform(samples.x), samples.inputs)
    assert found["table"].isfinite().all()
    assert found["table"][:, 0].mean().abs() < 0.1
    assert {*found["table"][:, 1].tolist()} == {1.0, 2.0}
    assert found["image"].mean().abs() < 1e-4


def test_a_table_of_images_and_labels_alone_is_of_images(tmp_path: Path) -> None:
    samples = csv(str(write(tmp_path, columns=False)), target="kind", image="photo", size=4)
    assert samples.kind == "image"
    assert samples.x.shape == (ROWS, 1, 4, 4)
    assert not samples.inputs


@pytest.mark.parametrize("columns", [True, False])
def test_new_rows_are_read_as_those_of_training(tmp_path: Path, columns: bool) -> None:
    path = write(tmp_path, columns)
    samples = csv(str(path), target="kind", image="photo")
    new = read_new(path, samples.reader)
    assert torch.equal(new.x.nan_to_num(), samples.x.nan_to_num())
    assert new.names[3] == "photos/3.png"


@pytest.mark.parametrize(
    ("line", "code", "refusal"),
    [
        (",1,red,cat", Code.DATA, Refusal(Code.DATA, "data.image", "photo")),
        (
            "photos/none.png,1,red,cat",
            Code.NOT_FOUND,
            Refusal(Code.NOT_FOUND, "data.image", "photo"),
        ),
    ],
)
def test_a_row_without_its_image_is_refused(
    tmp_path: Path, line: str, code: Code, refusal: Refusal
) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with refusal as refused:
        csv(str(path), target="kind", image="photo")
    assert (refused.value.code, refused.value.key) == (code, "data.image")


def write_two(folder: Path, columns: bool = True) -> Path:
    """Write a table with images from two sides, of different sizes, of which one says the class."""
    path = write(folder, columns)
    draw = np.random.default_rng(1)
    header, *lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        pixels = draw.integers(0, 255, (4, 7, 3)).astype("uint8")
        pillow.fromarray(pixels).save(folder / "photos" / f"side{i}.png")
        lines[i] = f"photos/side{i}.png,{line}"
    path.write_text("\n".join([f"side,{header}", *lines]) + "\n")
    return path


@pytest.mark.parametrize("columns", [True, False])
def test_images_of_several_columns_are_inputs_by_their_names(tmp_path: Path, columns: bool) -> None:
    path = write_two(tmp_path, columns)
    samples = csv(str(path), target="kind", image=["photo", "side"])
    shapes = {"photo": [1, 6, 5], "side": [3, 4, 7]} | ({"table": [2]} if columns else {})
    assert {name: each.shape for name, each in samples.inputs.items()} == shapes
    assert samples.kind == "table"
    new = read_new(path, samples.reader)
    assert torch.equal(new.x.nan_to_num(), samples.x.nan_to_num())


@pytest.mark.parametrize("name", ["my photo", "class", "table"])
def test_a_column_whose_name_is_none_for_an_argument_is_refused(tmp_path: Path, name: str) -> None:
    path = write_two(tmp_path)
    path.write_text(path.read_text().replace("side", name, 1))
    with pytest.raises(UserError) as refused:
        csv(str(path), target="kind", image=["photo", name])
    assert (refused.value.code, refused.value.value) == (Code.INCOMPATIBLE, name)


@pytest.mark.parametrize("columns", [True, False])
@pytest.mark.parametrize("image", ["photo", ["photo", "side"]])
def test_images_on_disk_are_the_same(tmp_path: Path, columns: bool, image: str | list[str]) -> None:
    path = write_two(tmp_path, columns)
    drop = None if isinstance(image, list) else "side"
    held = csv(str(path), target="kind", image=image, drop=drop)
    lazy = csv(str(path), target="kind", image=image, drop=drop, lazy=True)
    assert lazy.rows is not None
    assert (len(lazy.x), lazy.x.shape[1:]) == (0, held.x.shape[1:])
    index = torch.tensor([7, 2, 59])
    assert torch.equal(lazy.rows.read(index).nan_to_num(), held.x[index].nan_to_num())
    assert (lazy.inputs, lazy.reader, lazy.kind) == (held.inputs, held.reader, held.kind)


def test_workers_read_batches_of_images_and_columns(tmp_path: Path) -> None:
    source = partial(csv, str(write_two(tmp_path)), target="kind", image=["photo", "side"])
    held = DataModule(source, batch_size=16)
    lazy = DataModule(partial(source, lazy=True), batch_size=16, workers=1)
    assert held.load() == lazy.load()
    for (x, y), (x_read, y_read) in zip(
        held.train_dataloader(), lazy.train_dataloader(), strict=True
    ):
        torch.testing.assert_close(x, x_read)
        assert torch.equal(y, y_read)


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    with Refusal(Code.UNKNOWN_NAME, "data.image", "foto"):
        csv(str(write(tmp_path)), target="kind", image="foto")


@pytest.fixture
def run(once: Once) -> Path:
    """A run of a model that takes both inputs by name."""

    def make(folder: Path) -> None:
        path = write(folder)
        words = (f"data.path={path}", "data.image=photo", "data.target=kind")
        more = ("trainer=cpu", "trainer.max_epochs=15", "optimizer.lr=0.01", "report=true")
        place = (f"hydra.run.dir={folder / 'run'}", f"paths.logs={folder}")
        model = ("model=beside", "trust=outside", *outside.WORDS)
        runs.train(None, "data=image_table", *words, *more, *place, *model)

    return once("image_table", make) / "run"


def command(name: str, run: Path, **settings: object) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(name, [f"paths.run={run}", "trainer=cpu"] * (name == "evaluate"))
    cfg.run, cfg.trust = str(run), ["outside"]
    for key, value in settings.items():
        cfg[key] = value
    return cfg


def test_it_is_trained_evaluated_used_and_exported(run: Path, tmp_path: Path) -> None:
    record = runs.record(run)
    assert record["metric"]["value"] > 0.7
    assert evaluate(command("evaluate", run))["test"] == record["test"]
    output = tmp_path / "out.csv"
    predict(command("predict", run, input=str(run.parent / "table.csv"), output=str(output)))
    assert len(output.read_text().splitlines()) == ROWS + 1
    place = export(command("export", run, output=str(tmp_path / "out")))
    assert {p.name for p in place.iterdir()} >= {"model.pt2", "model.onnx"}
    assert "<img" in (run / "report.html").read_text()


@pytest.mark.parametrize("cell", ["~nobody-of-this-name/x.png", "x" * 5000 + ".png", "/dev/zero"])
def test_cells_that_name_no_file_are_reported(tmp_path: Path, cell: str) -> None:
    table = write(tmp_path)
    table.write_text(table.read_text() + f"{cell},1.5,red,cat\n")
    with pytest.raises(UserError) as error:
        csv(str(table), target="kind", image="photo")
    assert (error.value.code, error.value.key) == (Code.NOT_FOUND, "data.image")
