"""Whatever command is printed, by the console or on a page, works where it is printed.

A person pastes it into the terminal that they have open: in the folder where they typed the first
one, with the files that they have.
"""

import html
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import runs
from image_files import Image, write_tree

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"python \S*src/\w+\.py .*")
SMALL = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false")
CHEAP = {"seed=0,1,2,3,4": "seed=0,1", "seed=1,2,3,4,5": "seed=1,2"}


class Desk:
    """A folder with somebody's files, and a terminal open in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "own configs" / "experiment").mkdir(parents=True)
        preset = {"defaults": [{"override /optimizer": "sgd"}], "model": {"width": 8}}
        text = f"# @package _global_\n# One's own.\n{yaml.safe_dump(preset)}"
        (folder / "own configs" / "experiment" / "mine.yaml").write_text(text)
        rows = "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(80))
        (folder / "my houses.csv").write_text("size,age,kind\n" + rows)
        write_tree(folder / "my images", {"cats": 30, "dogs": 30})
        np.save(folder / "new.npy", np.zeros((3, 2), "float32"))
        Image.new("L", (8, 8)).save(folder / "new.png")
        (folder / "new.csv").write_text("x,y\n0.1,0.2\n")

    def type(self, command: str, *more: str) -> str:
        """Paste one line; return what it prints."""
        said = []
        for part in command.split(" && "):
            words = [CHEAP.get(word, word) for word in shlex.split(part)]
            assert words[0] == "python"
            if "sweeper.n_trials=20" in words:
                words.append("sweeper.n_trials=2")
            done = subprocess.run(
                [sys.executable, *words[1:], *more],
                cwd=self.folder, env=runs.environment(), text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            assert done.returncode == 0, f"{part}\n{done.stdout}"
            said.append(done.stdout)
        return "\n".join(said)

    def train(self, *words: str) -> list[str]:
        """Train; return every command that is printed and that the pages in `logs` hold."""
        place = f"paths.logs={self.folder}/the logs"
        said = self.type(shlex.join(["python", f"{ROOT}/src/train.py", *words, *SMALL, place]))
        pages = [page.read_text() for page in self.folder.glob("the logs/**/report.html")]
        return list(dict.fromkeys(COMMAND.findall(said) + [c for p in pages for c in on_page(p)]))


def on_page(page: str) -> list[str]:
    """Return the commands of a page."""
    found = re.findall(r'<code tabindex="0">(.*?)</code>|data-copy="(.*?)"', page, re.DOTALL)
    texts = (html.unescape(shown or copied) for shown, copied in found)
    return [text for text in texts if text.startswith("python ")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "a desk")


def scripts(commands: list[str]) -> set[str]:
    return {Path(shlex.split(command)[1]).stem for command in commands}


TABLE = ("data=csv", "data.path=my houses.csv", "data.target=kind")
OWN = ("--config-dir=own configs", "experiment=mine")


def paste(desk: Desk, commands: list[str]) -> None:
    for command in commands:
        if "steer.py" not in command:  # for a run that trains
            desk.type(command)


def test_those_of_a_run_with_own_configs_in_a_folder_of_its_own(desk: Desk) -> None:
    found = desk.train(*OWN, *TABLE, "hydra.job.chdir=true")
    assert {"train", "evaluate", "predict", "report"} <= scripts(found)
    paste(desk, found)


@pytest.mark.release
def test_those_of_a_sweep_with_own_configs(desk: Desk) -> None:
    found = desk.train(*OWN, *TABLE, "-m", "optimizer.lr=0.1,0.01", "hydra.job.chdir=true")
    assert {"train", "evaluate", "predict", "ensemble", "report"} <= scripts(found)
    paste(desk, found)


LOGGED = ("metric=logged", "metric.name=distance", "metric.mode=min")
SITUATIONS = {
    "images": ("data=images", "data.path=my images"),
    "digits": ("model.width=8",),
    "moons": ("data=moons", "metric=accuracy"),
    "series": ("data=series", "data.path=my houses.csv", "data.target=age", "data.time=none"),
    "gan": ("experiment=gan",),
    "autoencoder": ("experiment=autoencoder",),
    "language model": ("experiment=language_model", "trainer.limit_train_batches=2"),
    "multitask": ("experiment=multitask",),
    "folds": ("cv.folds=2", *TABLE),
    "words of a sweep": ("sweeper=asha", "search_space=high", *TABLE),
    "no -m": ("hydra.mode=MULTIRUN", "optimizer.lr=0.1,0.01", *TABLE),
    "a module without the choices": ("module=gan", *LOGGED),
    "a sweep of modules": ("-m", "experiment=gan", "sweeper.n_trials=2"),
}


@pytest.mark.release
@pytest.mark.parametrize("situation", SITUATIONS)
def test_those_of_every_kind_of_run(situation: str, desk: Desk) -> None:
    paste(desk, desk.train(*SITUATIONS[situation]))
