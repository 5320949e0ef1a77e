"""Whatever command is printed, by the console or on a page, works where it is printed.

A person pastes it into the terminal that they have open: in the folder where they typed the first
one, with the files that they have.
"""

import ast
import html
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

import runs
from image_files import Image, write_tree
from quintet.base import console
from quintet.report.run.run_page import page_so_far

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"python \S*src/\w+\.py [^`\n]*")
ASIDE = re.compile(r"\((python \S*src/\w+\.py [^()]*)\)")
"""A command within a sentence."""
PRINTS = {"command_line", "train_line", "with_same_overrides"}
SMALL = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false")
WHILE_IT_TRAINS = {"summary.announce", "outcome.recording", "console_report.report_command"}
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
        wide = "".join(f"{','.join(str(i * k % 79) for k in range(1, 41))}\n" for i in range(80))
        (folder / "wide.csv").write_text(",".join(f"c{k}" for k in range(40)) + f"\n{wide}")
        write_tree(folder / "my images", {"cats": 30, "dogs": 30})
        np.save(folder / "new.npy", np.zeros((3, 2), "float32"))
        Image.new("L", (8, 8)).save(folder / "new.png")
        (folder / "new.csv").write_text("x,y\n0.1,0.2\n")

    def words(self, part: str) -> list[str]:
        words = [CHEAP.get(word, word) for word in shlex.split(part)]
        assert words[0] == "python"
        return [w if w != "sweeper.n_trials=20" else "sweeper.n_trials=2" for w in words[1:]]

    def type(self, command: str, *more: str, fails: str = "") -> str:
        """Paste one line; return what it prints. `fails` is in the message of one that fails."""
        said = []
        for part in command.split(" && "):
            done = subprocess.run(
                [sys.executable, *self.words(part), *more],
                cwd=self.folder, env=runs.environment(), text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            found = "/check.py" in part and re.search(r"\d+ passed, .* \d failed", done.stdout)
            assert found or bool(done.returncode) == bool(fails), f"{part}\n{done.stdout}"
            assert fails in done.stdout
            said.append(done.stdout)
        return "\n".join(said)

    def line(self, *words: str) -> str:
        place = f"paths.logs={self.folder}/the logs"
        return shlex.join(["python", f"{ROOT}/src/train.py", *SMALL, place, *words])

    def train(self, *words: str, fails: str = "") -> list[str]:
        """Train; return every command that is printed and that the pages in `logs` hold."""
        return self.found(self.type(self.line(*words), fails=fails))

    def found(self, said: str) -> list[str]:
        pages = [page.read_text() for page in self.folder.glob("the logs/**/report.html")]
        texts = [said, *(text for page in pages for text in sentences(page))]
        aside = [command for text in texts for command in ASIDE.findall(text)]
        printed = COMMAND.findall(ASIDE.sub("", said))
        return list(dict.fromkeys([*printed, *aside, *(c for p in pages for c in on_page(p))]))

    def run(self, pattern: str = "the logs/train/runs/*") -> Path:
        """Return the newest folder."""
        return max(self.folder.glob(pattern), key=os.path.getmtime)

    def serve(self, command: str) -> None:
        """Paste a line that shows a page until it is stopped."""
        made = runs.start([sys.executable, "-u", *self.words(command)], cwd=self.folder)
        try:
            assert made.stdout is not None
            assert any("http://127.0.0.1" in line for line in made.stdout), made.communicate()[1]
        finally:
            runs.stop(made)


def page_of(desk: Desk, folder: Path) -> str:
    """Return the page of a run that is training, as the terminal's commands would show it."""
    with console.using_command_line(console.CommandLine(desk.folder, OWN[:1])):
        return page_so_far(folder).html()


def sentences(page: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<p[^>]*>(.*?)</p>", page, re.DOTALL)]


def on_page(page: str) -> list[str]:
    """Return the commands of a page."""
    found = re.findall(r'<code tabindex="0">(.*?)</code>|data-copy="(.*?)"', page, re.DOTALL)
    texts = (html.unescape(shown or copied) for shown, copied in found)
    return [text for text in texts if text.startswith("python ")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "a desk")


TABLE = ("data=csv", "data.path=my houses.csv", "data.target=kind")
OWN = ("--config-dir=own configs", "experiment=mine")
SWEEP = ("-m", "optimizer.lr=0.1,0.01")
SPACE = ("sweeper=random", "search_space=high")
LOGGED = ("metric=logged", "metric.name=distance", "metric.mode=min")
DIVERGES = "optimizer.lr=1e+30"
DEAD = ("init=zeros", "init.force=true", "model.freeze=[hidden,head.bias]")
"""A model that cannot learn."""


@dataclass(frozen=True)
class Situation:
    """A person's first line, or what else leads there, and what is then printed.

    Args:
        words: of train.py.
        printed: by these functions, of which `PRINTED` has the pattern.
        fails: in the message of the first line, and of those printed, where it fails.
        more: further steps on the desk; they return what they print.

    """

    words: tuple[str, ...]
    printed: tuple[str, ...] = ()
    fails: str = ""
    more: Callable[[Desk], str] | None = None


def without_config(desk: Desk) -> str:
    """Resume a run that was killed before it had saved its config."""
    killed = desk.folder / "killed"
    shutil.copytree(desk.run() / ".hydra", killed / ".hydra")
    (killed / ".hydra" / "config.yaml").write_text("")
    return desk.type(f"python {ROOT}/src/train.py resume=killed", fails="before it had saved")


def without_checkpoints(desk: Desk) -> str:
    """Continue a sweep whose trials' checkpoints were deleted."""
    for path in desk.folder.glob("the logs/**/*.ckpt"):
        path.unlink()
    study = f"study={desk.run('the logs/train/sweeps/*').name}"
    return desk.type(desk.line(*TABLE, *SWEEP, study))


def steer_late(desk: Desk) -> str:
    """Steer a run that has ended."""
    line = f"python {ROOT}/src/steer.py run='{desk.run()}' optimizer.lr=0.1"
    return desk.type(line, fails="has ended")


def as_a_wandb_sweep(desk: Desk) -> str:
    line = shlex.join(["python", f"{ROOT}/src/wandb_sweep.py", *TABLE, *SPACE])
    return desk.type(line).replace("# ", "")


def report_on_trials(desk: Desk) -> str:
    """Write the pages of a sweep's trials, whose predictions were not saved."""
    said = ""
    for trial in desk.folder.glob("the logs/train/sweeps/*/trials/*"):
        said += desk.type(f"python {ROOT}/src/report.py run='{trial}'")
    return said


RUN = (
    "next_commands.evaluate", "next_commands.resume", "run_commands.next_steps",
    "run_commands.report",
)  # fmt: skip
SUPERVISED = (*RUN, "next_commands.predict", "next_commands.tune", "next_commands.seeds")
OF_SWEEP = (
    "sweep_commands.next_steps", "sweep_commands.rerun", "console_report.continue_command",
)  # fmt: skip
SITUATIONS = {
    "own configs in a folder of its own": Situation(
        (*OWN, *TABLE, "hydra.job.chdir=true"), SUPERVISED
    ),
    "a sweep with own configs": Situation(
        (*OWN, *TABLE, *SWEEP, "hydra.job.chdir=true"), OF_SWEEP
    ),
    "a study in a database": Situation(
        (*TABLE, *SWEEP, "sweeper.storage=sqlite:///my.db"), ("sweep_commands.report",)
    ),
    "a sweep without a page's predictions": Situation(
        (*TABLE, "metric=f1", *SWEEP), ("sweep_commands._evaluate",)
    ),
    "a table": Situation(TABLE, ("steer._ended", "next_commands.resume"), more=steer_late),
    "a wide table": Situation(
        ("data=csv", "data.path=wide.csv", "data.target=c0", "experiment=regression"),
        ("summary.show_columns",),
    ),
    "images": Situation(("data=images", "data.path=my images"), SUPERVISED),
    "digits": Situation(("model.width=8",), SUPERVISED),
    "masks": Situation(("experiment=segmentation", "model.width=4"), SUPERVISED),
    "moons": Situation(("data=moons", "metric=accuracy"), SUPERVISED),
    "series": Situation(
        ("data=series", "data.path=my houses.csv", "data.target=age", "data.time=none"),
        SUPERVISED,
    ),
    "gan": Situation(("experiment=gan",), RUN),
    "autoencoder": Situation(("experiment=autoencoder",), RUN),
    "language model": Situation(
        ("experiment=language_model", "trainer.limit_train_batches=2"), RUN
    ),
    "multitask": Situation(("experiment=multitask",), RUN),
    "trees": Situation((*TABLE, "module=boosted_trees", "baselines=true"), SUPERVISED[:-2]),
    "folds": Situation(("cv.folds=2", *TABLE), SUPERVISED),
    "a sweep of folds": Situation(("cv.folds=2", *TABLE, *SWEEP), OF_SWEEP),
    "an ensemble": Situation(
        (*TABLE, *SWEEP, "sweeper.ensemble=2"), (*OF_SWEEP, "next_commands.predict")
    ),
    "words of a sweep": Situation(("sweeper=asha", "search_space=high", *TABLE), SUPERVISED),
    "no -m": Situation(("hydra.mode=MULTIRUN", "optimizer.lr=0.1,0.01", *TABLE), OF_SWEEP),
    "a module without the choices": Situation(("module=gan", *LOGGED), RUN),
    "a sweep of modules": Situation(("-m", "experiment=gan", "sweeper.n_trials=2"), OF_SWEEP[1:]),
    "a launcher": Situation((*TABLE, *SWEEP, "hydra/launcher=joblib"), OF_SWEEP),
    "a sweep of images": Situation(
        ("data=images", "data.path=my images", *SWEEP), OF_SWEEP
    ),
    "trials by themselves": Situation(
        (*TABLE, *SWEEP), ("run_commands.not_saved",), more=report_on_trials
    ),
    "a trial that fails": Situation(
        (*TABLE, "-m", "optimizer.lr=0.1,1e30", "optimizer=sgd"), ("sweep_commands.rerun",)
    ),
    "no model is left": Situation(
        (*TABLE, *SWEEP), ("console_report._say_winner",), more=without_checkpoints
    ),
    "killed at once": Situation(TABLE, ("initial_config._start_again",), more=without_config),
    "behind a baseline": Situation(
        ("model.width=8", "baselines=true", *DEAD), ("baselines.warning",)
    ),
    "too slow": Situation(
        ("model.width=8", "trainer.max_epochs=6", *DEAD), ("training_curves.too_small",)
    ),
    "no rate is found": Situation(
        ("model.width=8", "callbacks=lr_finder", *DEAD),
        ("LRFinder.on_train_start",),
        fails="no learning rate",
    ),
    "a wandb sweep": Situation(TABLE, ("wandb_file._comments",), more=as_a_wandb_sweep),
}  # fmt: skip
PRINTED = {
    "next_commands.evaluate": r"/evaluate\.py '?run=",
    "next_commands.predict": r"/predict\.py '?run=.* '?input=",
    "next_commands.tune": r"/train\.py .*-m .*sweeper=",
    "next_commands.seeds": r"/train\.py .*-m .*seed=",
    "next_commands.resume": r"/train\.py .*resume=.*trainer.max_epochs=",
    "run_commands.next_steps": r"/train\.py (?!.*resume=)",
    "run_commands.report": r"/report\.py '?run=",
    "run_commands.not_saved": r"/evaluate\.py '?run=.*trials.*splits=\[val\]'? && .*/report\.py ",
    "sweep_commands.next_steps": r"/ensemble\.py '?sweep=",
    "sweep_commands.report": r"/report\.py '?sweep=.* storage=",
    "sweep_commands.rerun": r"/train\.py .*test=false",
    "sweep_commands._evaluate": r"/evaluate\.py '?run=.*splits=\[val\]'? && .*/report\.py '?sweep=",
    "console_report._say_winner": r"/train\.py .*optimizer\.lr=",
    "console_report.continue_command": r"/train\.py .*study=",
    "console_report.report_command": r"/report\.py '?sweep=",
    "initial_config._start_again": r"/train\.py .*hydra\.run\.dir=",
    "outcome.recording": r"/train\.py '?resume=",
    "summary.announce": r"/steer\.py '?run=.* optimizer\.lr=",
    "summary.show_columns": r"/inspect_data\.py .*data\.path=",
    "steer._ended": r"/train\.py '?resume=",
    "baselines.warning": r"/check\.py ",
    "training_curves.too_small": r"/check\.py ",
    "LRFinder.on_train_start": r"/check\.py ",
    "wandb_file._comments": r"/wandb_sweep\.py ",
}
"""What each function prints that makes a command."""


def callers() -> Iterator[str]:
    """Return the functions of the engine that make a command."""
    for path in sorted((ROOT / "src" / "quintet").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for owner in (tree, *(n for n in tree.body if isinstance(n, ast.ClassDef))):
            name = getattr(owner, "name", path.stem)
            for node in owner.body:
                if isinstance(node, ast.FunctionDef) and node.name not in PRINTS:
                    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
                    if PRINTS & {getattr(f, "id", getattr(f, "attr", "")) for f in calls}:
                        yield f"{name}.{node.name}"


def test_every_function_that_prints_a_command_is_tried() -> None:
    assert set(callers()) <= PRINTED.keys()
    tried = {name for each in SITUATIONS.values() for name in each.printed}
    assert tried | WHILE_IT_TRAINS == PRINTED.keys()


def paste(desk: Desk, situation: Situation) -> None:
    found = desk.train(*situation.words, fails=situation.fails)
    if situation.more:
        found = [*found, *desk.found(situation.more(desk))]
    for name in situation.printed:
        assert any(re.search(PRINTED[name], command) for command in found), (name, found)
    for command in dict.fromkeys(found):
        if "debug=true" in command or DIVERGES in command:  # fails as its trial did
            desk.type(command, fails="Error")
        elif "live=true" in command:
            desk.serve(command)
        elif "steer.py" not in command:  # for a run that trains
            said = desk.type(command)
            if "ensemble.py" in command:
                for further in COMMAND.findall(said):
                    desk.type(further)


OPEN = {
    "no model is left": "the commands printed before need the models that were deleted",
    "no rate is found": "resume= is offered for a run that cannot find a rate either when resumed",
}
"""Situations in which a printed command fails, and why."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "situation",
    [
        pytest.param(each, marks=pytest.mark.xfail(reason=OPEN[each]) if each in OPEN else ())
        for each in SITUATIONS
    ],
)
def test_what_is_printed_can_be_pasted(situation: str, desk: Desk) -> None:
    paste(desk, SITUATIONS[situation])


def test_those_of_a_run_that_trains_and_is_interrupted(desk: Desk) -> None:
    lasting = ("trainer.max_epochs=9999", "callbacks.early_stopping=null")
    long = desk.words(desk.line(*OWN, *TABLE, *lasting, "hydra.job.chdir=true"))
    run = runs.start([sys.executable, *long], cwd=desk.folder, stderr=subprocess.STDOUT)
    try:
        runs.wait_until(lambda: any(map(runs.epochs, desk.folder.glob("the logs/*/runs/*"))), run)
        shown = on_page(page_of(desk, desk.run()))
        desk.serve(next(command for command in shown if "live=true" in command))
        desk.type(next(command for command in shown if "steer.py" in command))
        os.kill(run.pid, signal.SIGINT)
        said = run.communicate(timeout=runs.PATIENCE)[0]
    finally:
        runs.stop(run)
    assert re.search(PRINTED["summary.announce"], said)
    resume = re.search("Go on with: (.*)", said)
    assert resume, said
    desk.type(resume[1], f"trainer.max_epochs={runs.epochs(desk.run()) + 1}")


@pytest.mark.slow
def test_those_of_a_sweep_that_is_interrupted(desk: Desk) -> None:
    words = desk.words(desk.line(*TABLE, "-m", "optimizer.lr=0.1,0.03,0.01,0.003"))
    sweep = runs.start([sys.executable, *words], cwd=desk.folder, stderr=subprocess.STDOUT)
    try:
        runs.wait_until(lambda: [*desk.folder.glob("the logs/*/sweeps/*/trials/0000")], sweep)
        os.kill(sweep.pid, signal.SIGINT)
        said = sweep.communicate(timeout=runs.PATIENCE)[0]
    finally:
        runs.stop(sweep)
    assert re.search("Stopped; [0-3] trials? done", said), said
    found = COMMAND.findall(said)
    for name in ("console_report.continue_command", "console_report.report_command"):
        assert any(re.search(PRINTED[name], command) for command in found), (name, found)
    for command in found:
        desk.type(command)
