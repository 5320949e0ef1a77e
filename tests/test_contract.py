"""Every option takes part in a real run, and what is refused is refused for a reason."""

import csv
import itertools
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from options import CONFIGS, names
from quintet.errors import UserError
from quintet.fit import check_choices
from running import SHORT, composed, ran


def first_there(**candidates: str) -> dict[str, str]:
    """Return for each need the first of the named data sets that this project (still) has."""
    there = set(names("data"))
    found = {
        need: [o for o in options.split() if o in there] for need, options in candidates.items()
    }
    return {need: options[0] for need, options in found.items() if options}


BY_TASK = first_there(
    binary="breast_cancer fair digits_imbalanced",
    multiclass="wine digits_table digits",
    multilabel="digits_multilabel",
    regression="diabetes sunspots elnino",
)
BY_KIND = first_there(
    table="wine breast_cancer diabetes digits_table fair",
    image="digits",
    sequence="sunspots elnino",
    tokens="unicode_names",
)
"""A small bundled set for each task and each kind of input."""

SMALL = BY_TASK["multiclass"]

OWN = {"csv", "arrays", "images", "series", "stream"} & {*names("data")}
"""Data options that read a file of the user's."""

BUNDLED = [name for name in names("data") if name not in OWN | {"base"}]
COMMON = ["init", "optimizer", "scheduler", "callbacks"]
"""Groups whose options fit all data."""


def read(group: str, option: str) -> dict:
    return yaml.safe_load((CONFIGS / group / f"{option}.yaml").read_text())


def served(needs: list[str], data: dict[str, str]) -> list[str]:
    """Return the tasks or kinds for which there is data; skip the test where there is none."""
    if not (found := [need for need in needs if need in data]):
        pytest.skip(f"no bundled data left for {', '.join(needs)}")
    return found


def complete(tmp_path: Path, *overrides: str) -> None:
    record = ran(tmp_path / "run", *SHORT, *overrides)
    assert record.status == "completed"
    assert record.metric.value is not None
    assert math.isfinite(record.metric.value)
    assert math.isfinite(record.test["loss"])


@pytest.mark.parametrize(("group", "option"), [(g, o) for g in COMMON for o in names(g)])
def test_runs_whatever_the_data(group, option, tmp_path):
    forced = ["init.force=true"] if option in ("zeros", "ones") else []
    complete(tmp_path, f"data={SMALL}", *([f"{group}={option}"]), *forced)


@pytest.mark.parametrize("option", names("metric"))
def test_metric_runs_on_every_task_it_fits(option, tmp_path):
    for task in served(read("metric", option)["fits"], BY_TASK):
        loss = {"multilabel": "bce", "regression": "mse"}.get(task, "cross_entropy")
        data = BY_TASK[task]
        complete(tmp_path / task, f"data={data}", f"metric={option}", f"loss={loss}")


@pytest.mark.parametrize("option", names("loss"))
def test_loss_runs_on_every_task_it_fits(option, tmp_path):
    for task in served(read("loss", option)["fits"], BY_TASK):
        metric = "rmse" if task == "regression" else "accuracy"
        data = BY_TASK[task]
        complete(tmp_path / task, f"data={data}", f"loss={option}", f"metric={metric}")


@pytest.mark.parametrize("option", names("model"))
def test_model_runs_on_every_kind_of_data_it_fits(option, tmp_path):
    for kind in served(read("model", option)["fits"], BY_KIND):
        complete(tmp_path / kind, f"data={BY_KIND[kind]}", f"model={option}")


@pytest.mark.parametrize("option", BUNDLED)
def test_bundled_data_runs_with_what_it_brings(option, tmp_path):
    complete(tmp_path, f"data={option}", "data.fraction=0.5")


@pytest.mark.parametrize("option", ["cpu", "auto"])
def test_trainer_runs(option, tmp_path):
    complete(tmp_path, f"data={SMALL}", f"trainer={option}", "trainer.max_epochs=1")


def test_a_csv_file_runs(tmp_path):
    path = tmp_path / "table.csv"
    write_csv(path, ["size", "colour", "price"], [[i, "rgb"[i % 3], 2 * i] for i in range(40)])
    choices = ["metric=rmse", "loss=mse"]
    complete(tmp_path, "data=csv", f"data.path={path}", "data.target=price", *choices)


def test_shards_run(tmp_path):
    pytest.importorskip("datasets")
    (tmp_path / "shards").mkdir()
    for number in range(2):
        rows = [[i, i * number, 2 * i] for i in range(30)]
        write_csv(tmp_path / "shards" / f"{number}.csv", ["size", "age", "price"], rows)
    own = [f"data.path={tmp_path / 'shards'}", "data.target=price", f"data.cache={tmp_path / 'c'}"]
    complete(tmp_path, "data=stream", *own, "data.workers=0", "metric=rmse", "loss=mse")


def test_an_npz_file_runs(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, x=np.arange(120.0).reshape(40, 3), y=np.arange(40) % 2)
    complete(tmp_path, "data=arrays", f"data.path={path}")


def test_a_time_series_in_a_file_runs(tmp_path):
    path = tmp_path / "series.csv"
    write_csv(path, ["year", "sales"], [[i, math.sin(i)] for i in range(60)])
    own = ["data.path=" + str(path), "data.target=sales"]
    complete(tmp_path, "data=series", *own, "model=gru")


def test_a_folder_of_images_runs(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    from sklearn.datasets import load_digits

    bunch = load_digits(n_class=2)
    for number, (pixels, digit) in enumerate(zip(bunch.images[:60], bunch.target, strict=False)):
        folder = tmp_path / "images" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        pillow.fromarray((pixels * 15).astype("uint8")).save(folder / f"{number}.png")
    complete(tmp_path, "data=images", f"data.path={tmp_path / 'images'}", "model=cnn")


def test_all_data_options_are_tried():
    assert OWN | set(BUNDLED) | {"base"} == set(names("data"))


def write_csv(path: Path, header: list[str], rows: list[list]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def fits(combination: dict[str, str]) -> bool:
    """Whether the choices fit, read from the YAMLs by other means than `check_choices`."""
    data = read("data", combination["data"])
    needs = {"loss": data["task"], "metric": data["task"], "model": data["kind"]}
    return all(need in read(g, combination[g])["fits"] for g, need in needs.items())


def drawn(fitting: bool, count: int) -> list[dict[str, str]]:
    """Draw combinations of loss, metric, model and data that fit, or that do not."""
    groups = {"loss": names("loss"), "metric": names("metric"), "model": names("model")}
    groups["data"] = sorted({*BY_TASK.values(), *BY_KIND.values()})
    every = [dict(zip(groups, c, strict=True)) for c in itertools.product(*groups.values())]
    random.Random(0).shuffle(every)
    return list(itertools.islice((c for c in every if fits(c) == fitting), count))


def spelled(combination: dict[str, str]) -> list[str]:
    return [f"{group}={option}" for group, option in combination.items()]


@pytest.mark.parametrize("combination", drawn(True, 16), ids=lambda c: " ".join(spelled(c)))
def test_choices_that_fit_run(combination, tmp_path):
    complete(tmp_path, *spelled(combination))


@pytest.mark.parametrize("combination", drawn(False, 40), ids=lambda c: " ".join(spelled(c)))
def test_choices_that_do_not_fit_are_refused_and_what_is_suggested_fits(combination, tmp_path):
    cfg = composed(tmp_path, *spelled(combination))
    cfg.choices = combination
    with pytest.raises(UserError) as refused:
        check_choices(cfg)
    misfits = re.findall(r"(\w+)=\w+ does not fit .*?Choose one of: \w+=(\w+)", str(refused.value))
    assert misfits
    assert fits(combination | dict(misfits))
    check_choices(composed(tmp_path, *spelled(combination | dict(misfits))))


def test_a_misfit_would_not_have_worked(tmp_path, monkeypatch):
    """Without the check these end in an error all the same, only a later and darker one."""
    monkeypatch.setattr("quintet.experiment.check_choices", lambda cfg: None)
    for choices in (
        ["data=wine", "model=cnn"],
        ["data=digits_multilabel", "loss=cross_entropy"],
        ["data=diabetes", "metric=accuracy"],
    ):
        with pytest.raises(Exception):  # noqa: B017, PT011
            ran(tmp_path / choices[1], *SHORT, *choices)
