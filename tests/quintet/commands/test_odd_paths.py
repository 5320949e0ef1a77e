"""Every command takes folders and files of any name, and prints commands to paste."""

import os
import random
import shlex
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

import runs
from faulty import forked
from quintet.base.console import command_line, typed
from quintet.base.errors import Code
from quintet.base.quoting import quoted, with_paths
from quintet.commands.entry_point import in_resumed_folder
from refusals import Refusal

ODD = 'o\'b "q" a=b,c $x %d [1]{2}(3) #~ ü🎉 \\n e\\'
QUICK = (
    "trainer=cpu",
    "trainer.max_epochs=1",
    "model.width=8",
    "callbacks.progress=null",
    "baselines=false",
    "report=false",
)
CHARACTERS = "ab1'\"\\ =,$%[](){}#~ü🎉.:/-+*?!&;|<>@`\t\n0e_"


def test_whatever_is_quoted_is_read_as_it_was() -> None:
    draw, parser = random.Random(0), OverridesParser.create()
    texts = ["", " ", "1", "1e5", "null", "True", "-1", ".5", "nan", "-inf", "${x}", "a\\", "1_0"]
    texts += ["".join(draw.choices(CHARACTERS, k=draw.randint(1, 9))) for _ in range(300)]
    for text in texts:
        assert parser.parse_override(f"key={quoted(text)}").value() == text


def test_a_path_that_is_there_needs_no_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ODD).mkdir()
    monkeypatch.chdir(tmp_path)
    for path in (ODD + "/", str(tmp_path / ODD)):
        assert with_paths([f"run={path}"]) == [f"run={quoted(path)}"]
    untouched = ["model.width=[64,32]", "optimizer.lr=0.1,0.2", f"run={quoted(tmp_path / ODD)}"]
    assert with_paths(untouched) == untouched


def test_a_path_with_a_reference_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "${x}").mkdir()
    with Refusal(Code.USAGE, match="Rename the folder"):
        with_paths([f"run={tmp_path / '${x}'}"])


def test_a_run_does_not_continue_under_bytes_that_are_not_text(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"\xff")
    place.mkdir()
    with Refusal(Code.NOT_FOUND, "resume"):
        in_resumed_folder([f"resume={quoted(place)}"])


def test_an_argument_that_cannot_be_read_is_shown_as_it_should_be(tmp_path: Path) -> None:
    ended = forked(tmp_path / "log", ["hydra.run.dir=o'brien"])
    assert ended.code == 1
    assert shlex.quote("hydra.run.dir=" + quoted("o'brien")) in ended.said


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of an odd name with a table and a run on it."""
    folder = tmp_path_factory.mktemp("paths") / ODD
    folder.mkdir()
    rows = "".join(f"{i},{i * i % 7},{2 * i}\n" for i in range(60))
    (folder / "houses, all.csv").write_text("a,b,price\n" + rows)
    done(folder, "train", *table(folder), *QUICK, f"hydra.run.dir={quoted(folder / 'run')}")
    return folder


def table(folder: Path) -> tuple[str, ...]:
    path = folder / "houses, all.csv"
    return ("data=csv", f"data.path={path}", "data.target=price", "metric=rmse", "loss=mse")


def done(folder: Path, script: str, *words: str) -> str:
    ended = forked(folder.parent / "log", [*words], script=script)
    assert ended.code == 0, ended.said
    return ended.said


@pytest.mark.parametrize("how", [str, quoted], ids=["as it is", "quoted"])
def test_a_run_continues(how: object, odd: Path) -> None:
    before = runs.epochs(odd / "run")
    run = how(odd / "run")  # type: ignore[operator]
    said = done(odd, "train", f"resume={run}", f"trainer.max_epochs={before + 1}")
    assert runs.epochs(odd / "run") == before + 1
    assert command_line("evaluate", f"run={typed(odd / 'run')}") in said


def test_a_run_is_used(odd: Path) -> None:
    run = f"run={odd / 'run'}"
    done(odd, "evaluate", run)
    done(odd, "predict", run, f"input={odd}/houses, all.csv", f"output={quoted(odd / 'p q.csv')}")
    done(odd, "export", run, "formats=[torch]")
    done(odd, "report", run)
    done(odd, "compare", f"a={odd / 'run'}", f"b={odd / 'run'}")
    left = {path.name for path in odd.iterdir()} | {path.name for path in (odd / "run").iterdir()}
    assert {"p q.csv", "export", "report.html", "evaluation.json"} <= left


def test_a_run_that_one_may_not_write_to_is_scored(odd: Path) -> None:
    (odd / "run" / "evaluation.json").unlink(missing_ok=True)
    words = [f"run={odd / 'run'}"]
    ended = forked(odd.parent / "log", words, fault="EACCES:1+", script="evaluate")
    assert ended.code == 0, ended.said
    assert "recorded" in ended.said
    for file in ("predictions.npz", "evaluation.json"):
        assert f"Warning: {odd / 'run' / file} cannot be read or written: Perm" in ended.said
    assert not (odd / "run" / "evaluation.json").exists()


def test_nobody_steers_a_run_that_has_ended(odd: Path) -> None:
    ended = forked(odd.parent / "log", [f"run={odd / 'run'}", "stop=true"], script="steer")
    assert ended.code == 1
    assert command_line("train", f"resume={typed(odd / 'run')}") in ended.said


def test_a_setup_is_looked_at(odd: Path) -> None:
    for script in ("check", "inspect_data"):
        place = f"hydra.run.dir={quoted(odd / script)}"
        done(odd, script, *table(odd), "trainer=cpu", place)
    done(
        odd,
        "learning_curve",
        *table(odd),
        *QUICK,
        "fractions=[0.5,0.7,1]",
        f"hydra.run.dir={quoted(odd / 'curve')}",
    )
    assert (odd / "curve" / "learning_curve.csv").is_file()
    written = yaml.safe_load(done(odd, "wandb_sweep", *table(odd), "optimizer=adam,sgd"))
    assert f"data.path={quoted(odd / 'houses, all.csv')}" in written["command"]


@pytest.mark.slow
def test_a_sweep_runs_continues_and_is_averaged(odd: Path) -> None:
    words = ("-m", *table(odd), *QUICK, "optimizer.lr=0.1,0.01")
    place = f"hydra.sweep.dir={quoted(odd / 'sweep')}"
    done(odd, "train", *words, place)
    assert shlex.quote(place) in done(odd, "train", *words, place)
    assert len([*(odd / "sweep" / "trials").iterdir()]) == 2
    done(odd, "ensemble", f"sweep={odd / 'sweep'}")
    done(odd, "report", f"sweep={odd / 'sweep'}")
    ensemble = f"run={odd / 'sweep' / 'ensemble'}"
    done(
        odd, "predict", ensemble, f"input={odd}/houses, all.csv", f"output={quoted(odd / 'e.csv')}"
    )
