"""What can be done with a finished run, and what is refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

import runs
from quintet.artifacts import checkpoints, predictions_file, samples_file
from quintet.base.errors import Code, UserError
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.ensembles.reload import trained
from quintet.testing.running import SHORT, ran
from refusals import Refusal
from usual import every


@pytest.fixture
def run(digits_run, tmp_path):
    return shutil.copytree(digits_run, tmp_path / "run")


@pytest.fixture(scope="session")
def animals_run(once):
    """A run on a table with a category, missing values and a target of three names."""

    def make(folder):
        draw = np.random.default_rng(0)
        kind = draw.integers(3, size=120)
        size = np.where(draw.random(120) < 0.1, np.nan, kind + draw.normal(size=120) / 4)
        colour = np.array(["red", "green", "blue"])[kind]
        name = np.array(["ant", "bee", "cat"])[kind]
        frame = pd.DataFrame({"size": size, "colour": colour, "name": name})
        frame.to_csv(folder / "animals.csv", index=False)
        data = ("data=csv", f"data.path={folder}/animals.csv", "data.target=name")
        runs.train(folder / "run", *data, "trainer.max_epochs=30", "optimizer.lr=0.01")

    return once("animals_run", make)


@pytest.fixture
def table_run(animals_run, tmp_path):
    """A copy of that run and of its table."""
    shutil.copytree(animals_run, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace(str(animals_run), str(tmp_path)))
    return tmp_path / "run"


def evaluation(folder, **changes):
    from hydra import compose, initialize_config_dir

    from runs import ROOT

    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("evaluate", overrides=["trainer=cpu", "paths.run=/nowhere"])
    return OmegaConf.merge(cfg, {"run": str(folder)} | changes)


def prediction(folder, source, **changes):
    known = {"checkpoint": "best", "batch_size": 32, "debug": False}
    given = {"run": str(folder), "input": str(source), "output": str(folder / "predictions.csv")}
    return OmegaConf.create(known | given | changes)


def test_an_evaluated_checkpoint_gives_its_recorded_scores(run):
    record = json.loads((run / "result.json").read_text())
    scores = evaluate(evaluation(run))
    assert scores["val"]["accuracy"] == pytest.approx(record["metric"]["value"], abs=1e-6)
    assert scores["test"] == pytest.approx(record["test"], abs=1e-6)


def test_simple_models_are_scored_beside_a_run_on_demand(run):
    evaluate(evaluation(run))
    assert json.loads((run / "result.json").read_text())["baselines"] == {}
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("baselines: false", "baselines: true"))
    evaluate(evaluation(run, baselines=True))
    found = json.loads((run / "result.json").read_text())["baselines"]
    assert 0 < found["dummy"]["test"] < found["linear"]["test"] <= 1


def test_a_winner_that_generates_keeps_what_it_generates(tmp_path):
    ran(tmp_path / "run", *SHORT, "experiment=gan", "test=false")
    kept = tmp_path / "run" / samples_file.FILE
    kept.unlink()  # a trial writes none
    evaluate(evaluation(tmp_path / "run"))
    assert samples_file.read(tmp_path / "run")["prediction"].shape[1:] == (1, 8, 8)


def test_a_run_that_was_moved_is_whole(run, tmp_path):
    moved = tmp_path / "elsewhere" / "run"
    shutil.copytree(run, moved)
    shutil.rmtree(run)
    assert evaluate(evaluation(moved))["test"]["accuracy"] > 0


def test_data_that_has_changed_is_noticed(table_run, tmp_path):
    path = tmp_path / "animals.csv"
    path.write_text(path.read_text().replace("red", "pink", 1))
    with pytest.raises(UserError) as caught:
        evaluate(evaluation(table_run))
    assert caught.value.code is Code.DATA


def test_new_rows_are_predicted_by_column_name(table_run, tmp_path):
    frame = pd.DataFrame(
        {"colour": ["blue", "red", "mauve"], "note": "x", "size": [2.0, 0.0, np.nan]}
    )
    frame.to_csv(tmp_path / "new.csv", index=False)
    found = pd.read_csv(predict(prediction(table_run, tmp_path / "new.csv")))
    assert list(found.columns) == ["sample", "prediction", "p(ant)", "p(bee)", "p(cat)"]
    assert list(found["prediction"][:2]) == ["cat", "ant"]
    assert np.allclose(found.filter(like="p(").sum(axis=1), 1, atol=1e-5)


def test_the_data_itself_is_not_needed_to_predict(table_run, tmp_path):
    shutil.copy(tmp_path / "animals.csv", tmp_path / "same.csv")
    (tmp_path / "animals.csv").unlink()
    found = pd.read_csv(predict(prediction(table_run, tmp_path / "same.csv")))
    truth = pd.read_csv(tmp_path / "same.csv")["name"]
    assert (found["prediction"] == truth).mean() > 0.95


def test_a_missing_column_is_named(table_run, tmp_path):
    pd.DataFrame({"size": [1.0], "color": ["red"]}).to_csv(tmp_path / "new.csv", index=False)
    with Refusal(Code.UNKNOWN_NAME, match="colour"):
        predict(prediction(table_run, tmp_path / "new.csv"))
    assert not (table_run / "predictions.csv").exists()


def test_predictions_do_not_depend_on_the_batch(run, tmp_path):
    x = np.random.default_rng(0).uniform(0, 16, (7, 1, 8, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    whole = predict(prediction(run, tmp_path / "x.npy", batch_size=100)).read_text()
    assert predict(prediction(run, tmp_path / "x.npy", batch_size=7)).read_text() == whole


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_part_of_the_runs_own_data_is_predicted_as_it_was_scored(run, tmp_path, split):
    found = pd.read_csv(predict(prediction(run, split)))
    kept = predictions_file.read(run)[split]
    assert found["prediction"].tolist() == kept.decided.tolist()
    assert np.allclose(found.filter(like="p(").to_numpy(), kept.probabilities, atol=1e-5)


def test_exports_agree_with_the_model(run):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    where = {"run": str(run), "output": None, "checkpoint": "best", "debug": False}
    folder = export(OmegaConf.create(where | {"formats": ["torch", "onnx"]}))
    names = {path.name for path in folder.iterdir()}
    assert {"model.pt2", "model.onnx", "preprocessing.json"} <= names
    scaling = json.loads((folder / "preprocessing.json").read_text())["preprocess"]
    model = torch.export.load(folder / "model.pt2").module()
    raw = torch.rand(5, 1, 8, 8) * 16
    scaled = (raw - scaling["centre"][0]) / scaling["width"][0]
    task = trained(run).task
    x = trained(run).data.preprocess.transform(raw)
    assert torch.allclose(model(scaled), task(x), atol=1e-5)


def damaged(run, how):
    path = run / "checkpoints" / "best.ckpt"
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.unlink()
    return path


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        ("truncated", Refusal(Code.DAMAGED, match="cut short")),
        ("empty", Refusal(Code.DAMAGED, match="cut short")),
        ("flipped", Refusal(Code.DAMAGED, match="damaged")),
        ("gone", Refusal(Code.NOT_FOUND, match="no checkpoint")),
    ],
)
def test_a_damaged_checkpoint_is_refused(run, how, refusal):
    path = damaged(run, how)
    with refusal as refused:
        trained(run)
    assert str(path) in str(refused.value)


class Evil:
    """Would make a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_checkpoint_with_code_in_it_is_not_run(run, tmp_path):
    path = run / "checkpoints" / "best.ckpt"
    state = checkpoints.load(path)
    torch.save(state | {"extra": Evil(tmp_path / "pwned")}, path)
    with Refusal(Code.NOT_TRUSTED, match="pickled code"):
        trained(run)
    assert not (tmp_path / "pwned").exists()


def test_a_checkpoint_of_another_model_is_refused(run, tmp_path):
    cfg = OmegaConf.load(run / "config.yaml")
    cfg.model.width = 17
    OmegaConf.save(cfg, run / "config.yaml")
    with Refusal(Code.INCOMPATIBLE, match="another model"):
        trained(run)


@pytest.mark.parametrize("node", ["model", "loss", "metric", "data"])
def test_a_config_that_names_foreign_code_is_refused(run, tmp_path, node):
    cfg = OmegaConf.load(run / "config.yaml")
    evil = {"_target_": "os.mkdir", "path": str(tmp_path / "pwned")}
    cfg[node] = evil | {"fits": [], "num_outputs": 10, "name": "accuracy", "mode": "max"}
    OmegaConf.save(cfg, run / "config.yaml")
    with pytest.raises(UserError, match="not trusted") as refused:
        evaluate(evaluation(run))
    assert (refused.value.code, refused.value.key) == (Code.NOT_TRUSTED, f"{node}._target_")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (None, Refusal(Code.NOT_FOUND, "run")),
        (": : [", Refusal(Code.DAMAGED, match="not valid YAML")),
    ],
)
def test_a_folder_without_a_config_is_not_a_run(run, content, refusal):
    (run / "config.yaml").unlink()
    if content:
        (run / "config.yaml").write_text(content)
    with refusal:
        trained(run)


def test_a_url_is_not_a_checkpoint(run):
    with pytest.raises(UserError) as caught:
        trained(run, "http://localhost/best.ckpt")
    assert (caught.value.code, caught.value.key) == (Code.NOT_TRUSTED, "checkpoint")


@pytest.mark.parametrize("model", every(2, ["tabular", "mlp"]))
def test_a_table_with_categories_is_exported(train_here, tmp_path, model):
    pytest.importorskip("onnxscript")
    draw = np.random.default_rng(0)
    colours = draw.choice(["red", "green", "blue"], 60)
    frame = pd.DataFrame({"a": draw.normal(size=60), "colour": colours, "y": draw.normal(size=60)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    data = ("data=csv", f"data.path={tmp_path}/table.csv", "data.target=y", "metric=rmse")
    # SMALL of a test run sets model.width, which both have
    train_here(tmp_path / "run", *data, "loss=mse", f"model={model}", "trainer.max_epochs=1")
    where = {"run": str(tmp_path / "run"), "output": None, "checkpoint": "best", "debug": False}
    folder = export(OmegaConf.create(where | {"formats": ["torch", "onnx"]}))
    assert (folder / "model.onnx").exists()


def test_brackets_in_names_are_printed_as_they_are(train_here, tmp_path, capsys):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"speed [/s]": draw.normal(size=60), "price": draw.normal(size=60)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    data = ("data=csv", f"data.path={tmp_path}/table.csv", "data.target=price", "metric=rmse")
    place = f"hydra.run.dir='{tmp_path}/a [red] b'"
    train_here(tmp_path, place, *data, "loss=mse", "trainer.max_epochs=1")
    shown = capsys.readouterr().out
    assert "speed [/s]" in shown
    assert "a [red] b" in shown


def test_a_run_in_low_precision_is_evaluated_in_it(train_here, tmp_path):
    train_here(tmp_path / "run", "trainer.precision=bf16-true", "trainer.max_epochs=1")
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    scores = evaluate(evaluation(tmp_path / "run"))
    assert scores["test"] == pytest.approx(record["test"], abs=1e-6)


def test_batch_norm_over_one_sample_is_refused(train_here, tmp_path):
    with Refusal(Code.INCOMPATIBLE, match=r"data\.batch_size=2 or more"):
        train_here(tmp_path / "run", "model.batch_norm=true", "data.batch_size=1")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"batch_size": 0}, Refusal(Code.OUT_OF_RANGE, "batch_size", 0)),
        ({"output": "/proc/p.csv"}, Refusal(Code.NOT_FOUND, match="/proc/.* cannot be .*output=")),
    ],
)
def test_a_prediction_that_cannot_be_made(run, changes, refusal):
    np.savez(run / "new.npz", x=np.zeros((3, 1, 8, 8)))
    with refusal:
        predict(prediction(run, run / "new.npz", **changes))


def test_inputs_of_another_shape_are_refused(run):
    np.savez(run / "new.npz", x=np.zeros((3, 1, 9, 8)))
    with Refusal(Code.INCOMPATIBLE, "input"):
        predict(prediction(run, run / "new.npz"))


def test_one_format_needs_no_list(run):
    where = {"run": str(run), "output": None, "checkpoint": "best", "debug": False}
    folder = export(OmegaConf.create(where | {"formats": "torch"}))
    assert {path.name for path in folder.iterdir()} == {"model.pt2", "preprocessing.json"}


def test_predictions_replace_their_own_kind_alone(table_run, tmp_path):
    source = tmp_path / "new.csv"
    source.write_text("size,colour\n1.0,red\n")
    output = tmp_path / "out.csv"
    for _ in range(2):
        predict(prediction(table_run, source, output=str(output)))
    own = output.read_text()
    with pytest.raises(UserError) as caught:
        predict(prediction(table_run, source, output=str(source), overwrite=True))
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "output")
    assert source.read_text() == "size,colour\n1.0,red\n"
    output.write_text("mine\n")
    with pytest.raises(UserError) as caught:
        predict(prediction(table_run, source, output=str(output)))
    assert (caught.value.code, caught.value.key) == (Code.EXISTS, "output")
    assert output.read_text() == "mine\n"
    predict(prediction(table_run, source, output=str(output), overwrite=True))
    assert output.read_text() == own


def test_nothing_is_read_or_written_through_a_link_in_a_run_folder(run, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("evaluation.json", "model.pt2", "preprocessing.json"):
        (mine / name).write_text("mine")
    (run / "evaluation.json").symlink_to(mine / "evaluation.json")
    (run / "export").symlink_to(mine)
    with Refusal(Code.EXISTS, match="did not write it") as caught:
        evaluate(evaluation(run))
    assert caught.value.code is Code.EXISTS
    (run / "evaluation.json").unlink()
    evaluate(evaluation(run))
    cfg = OmegaConf.create({"run": str(run), "output": None, "formats": ["torch"]})
    known = {"checkpoint": "best", "debug": False}
    with Refusal(Code.DAMAGED, match="leads out of"):
        export(OmegaConf.merge(cfg, known))
    (run / "export").unlink()
    (run / "export").mkdir()
    (run / "export" / "model.pt2").symlink_to(mine / "model.pt2")
    with Refusal(Code.EXISTS, "output") as caught:
        export(OmegaConf.merge(cfg, known))
    assert (caught.value.code, caught.value.key) == (Code.EXISTS, "output")
    (run / "checkpoints" / "best.ckpt").rename(mine / "best.ckpt")
    (run / "checkpoints" / "best.ckpt").symlink_to(mine / "best.ckpt")
    with Refusal(Code.DAMAGED, match="leads out of"):
        evaluate(evaluation(run))
    for name in ("evaluation.json", "model.pt2", "preprocessing.json"):
        assert (mine / name).read_text() == "mine"
