import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios

import pytest

import runs
from quintet.artifacts.record import Record, Score
from quintet.training import next_commands, summary

NARROW = 80
NOISE = re.compile(r"warn|deprecat|traceback|hint|tip:|gpu available", re.IGNORECASE)


@pytest.fixture
def record():
    return Record(
        metric=Score("accuracy", "max", 0.95),
        loss=0.25,
        seed=0,
        test={"accuracy": 0.9, "loss": 0.3},
        choices={"model": "mlp"},
        overrides=["optimizer.lr=0.1", "data.columns=[a,b]"],
        epochs=20,
        checkpoint="checkpoints/best.ckpt",
        facts={"test_size": 400},
        baselines={"linear": {"val": 0.97, "test": 0.89}, "dummy": {"val": 0.1, "test": 0.1}},
    )


def printed(record, tmp_path, capsys):
    summary.summarise(record, tmp_path)
    return capsys.readouterr().out


def screen(command: list[str], columns: int) -> list[str]:
    """Run a command in a terminal of its own; return what it printed, line by line."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {k: v for k, v in runs.environment().items() if k not in ("COLUMNS", "NO_COLOR")}
    env |= {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 0, seen.decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    return [line.rpartition("\r")[2].rstrip() for line in plain.replace("\r\n", "\n").split("\n")]


def test_a_run_is_one_calm_screen(tmp_path):
    command = runs.command(tmp_path / "run", "trainer.max_epochs=3", "baselines=true")
    lines = screen(command, NARROW)
    text = "\n".join(lines)
    assert len(lines) < 40
    assert not NOISE.search(text), text
    for word in ("mlp on digits", "optimizer adam", "parameters", "validation", "dummy", "loss (c"):
        assert word in text
    bar = next(line for line in lines if "━" in line)
    assert "epoch 3/3" in bar
    assert "val/accuracy" in bar
    long = [line for line in lines if len(line) > NARROW]
    assert all(re.search(r"python .*src/|epochs in", line) for line in long), long


def test_the_v_that_other_commands_have_shows_the_traceback(tmp_path):
    command = runs.command(tmp_path / "run", "-v", "optimizer.lrx=1")
    told = subprocess.run(command, capture_output=True, text=True, env=runs.environment())
    assert told.returncode == 1
    assert "Traceback" in told.stderr


def test_the_summary_compares_the_model_with_its_baselines(record, tmp_path, capsys):
    lines = [line.split() for line in printed(record, tmp_path, capsys).splitlines()]
    assert ["mlp", "0.9500", "0.9000"] in lines
    assert ["linear", "0.9700", "0.8900"] in lines


@pytest.mark.parametrize(
    ("mode", "test", "baselines", "says"),
    [
        (
            "max",
            {"accuracy": 0.9},
            0.89,
            "0.0100 better than the best baseline",
        ),
        (
            "min",
            {"accuracy": 0.9},
            0.89,
            "0.0100 worse than the best baseline",
        ),
        ("max", {"accuracy": 0.9}, 0.90001, "as good as the best baseline"),
        ("max", {}, 0.89, "accuracy 0.9500 on validation data, 0.0200 worse than"),
    ],
)
def test_the_summary_says_how_good_and_against_what(
    record, tmp_path, capsys, mode, test, baselines, says
):
    record.metric.mode, record.test = mode, test
    record.choices["data"] = "digits"
    record.baselines = {"linear": {"val": 0.97, "test": baselines}}
    shown = " ".join(printed(record, tmp_path, capsys).split())
    assert shown.startswith("mlp on digits: accuracy 0.9")
    assert says in shown
    assert "the best baseline, linear" in shown


def test_the_summary_says_how_far_chance_moves_a_test_accuracy(record, tmp_path, capsys):
    assert "test ± 0.0150 (standard error, 400 samples)" in printed(record, tmp_path, capsys)


def test_of_folds_with_seeds_the_spread_is_that_of_the_folds(record, tmp_path, capsys):
    several = [{"fold": fold, "seed": seed} for fold in (0, 1) for seed in (1, 2)]
    record.parts = {f"folds/{p['fold']}_seed_{p['seed']}": p for p in several}
    record.repeats = dict.fromkeys(record.parts, 0.9)
    record.spread = {"deviation": 0.04, "error": 0.02}
    shown = " ".join(printed(record, tmp_path, capsys).split())
    assert "mean of 4 runs ± 0.0400 (standard deviation over 2 folds;" in shown
    assert "test is of their averaged predictions" in shown
    assert "weights: the best epoch of each of folds/0_seed_1 to folds/1_seed_2;" in shown
    assert "predict.py averages all 4" in shown


def test_the_summary_tells_a_rate_that_was_found_or_steered(record, tmp_path, capsys):
    change = {"key": "optimizer.lr", "before": 0.001, "after": 0.0034, "epoch": 0, "refused": ""}
    record.steering = [
        change | {"by": "lr_finder"},
        change | {"key": "pause", "before": False, "after": True},
        change | {"epoch": 4},
        change | {"refused": "no"},
        change | {"key": "stop", "before": False, "after": True, "epoch": 19, "run": "folds/1"},
    ]
    shown = printed(record, tmp_path, capsys)
    assert "optimizer.lr 0.001 → 0.0034 in epoch 1, by the range test" in shown
    assert "in epoch 5, by steer.py" in shown
    assert "stopped in epoch 20 of folds/1, by steer.py" in shown
    assert shown.count("0.0034") == 2


def test_the_summary_tells_the_loss(record, tmp_path, capsys):
    record.choices["loss"] = "focal"
    assert "loss (focal): validation 0.2500, test 0.3000" in printed(record, tmp_path, capsys)


def test_the_summary_passes_on_the_diagnosis(record, tmp_path, capsys):
    assert "The curves look healthy." in printed(record, tmp_path, capsys)
    record.diagnosis = ["Plateau: take scheduler=[x]."]
    out = printed(record, tmp_path, capsys)
    assert "! Plateau: take scheduler=[x]." in out
    assert "healthy" not in out


def test_the_next_commands_can_be_typed_as_they_stand(record, tmp_path, capsys):
    out = printed(record, tmp_path, capsys)
    assert f"src/evaluate.py run={tmp_path}" in out
    assert "sweeper.n_trials=20 optimizer.lr=0.1 'data.columns=[a,b]'" in out


def test_a_sweep_to_follow_names_what_was_chosen_to_fit_the_target(record, tmp_path, capsys):
    record.facts = {**record.facts, "task": "regression"}
    record.choices = {**record.choices, "metric": "rmse", "loss": "huber"}
    line = printed(record, tmp_path, capsys).splitlines()[-1]
    assert "sweeper.n_trials=20 metric=rmse optimizer.lr=0.1" in line
    record.overrides = ["metric=rmse"]
    assert printed(record, tmp_path, capsys).count("metric=rmse") == 1


def test_other_seeds_are_all_tried_whatever_sweep_the_run_was_a_trial_of():
    words = ["sweeper=random", "sweeper.n_trials=3", "search_space=high", "seed=7", "optimizer=sgd"]
    found = next_commands.seeds("0,1", words)
    assert found.endswith("train.py -m seed=0,1 optimizer=sgd")


def test_after_a_preset_comes_its_own_sweep(record, tmp_path, capsys):
    record.overrides = ["experiment=image", "resume=here"]
    record.choices = {**record.choices, "search_space": "image"}
    line = printed(record, tmp_path, capsys).splitlines()[-1]
    assert line.startswith("tune")
    assert line.endswith("src/train.py -m experiment=image")


def test_the_summary_says_whose_weights_are_scored(record, tmp_path, capsys):
    record.best_epoch = 17
    shown = printed(record, tmp_path, capsys)
    assert "weights: of epoch 17, the best accuracy on validation data (checkpoints/best" in shown
    record.checkpoint = "checkpoints/last.ckpt"
    assert "weights: of epoch 17, the last" in printed(record, tmp_path, capsys)


def test_a_path_with_spaces_is_quoted_for_shell_and_hydra(record, tmp_path, capsys):
    out = printed(record, tmp_path / "a b", capsys)
    line = next(line for line in out.splitlines() if line.startswith("evaluate"))
    assert shlex.split(line)[-1] == f"run='{tmp_path}/a b'"


def test_a_run_without_a_checkpoint_offers_no_use_of_it(record, tmp_path, capsys):
    record.checkpoint = None
    assert "evaluate.py" not in printed(record, tmp_path, capsys)


def test_too_few_epochs_are_not_called_healthy(record, tmp_path, capsys):
    record.epochs = 2
    assert "healthy" not in printed(record, tmp_path, capsys)


def test_without_a_test_there_is_no_column_for_it(record, tmp_path, capsys):
    record.test, record.baselines = {}, {}
    lines = [line.split() for line in printed(record, tmp_path, capsys).splitlines()]
    assert ["validation"] in lines
    assert ["mlp", "0.9500"] in lines


HOSTILE = "\x1b]0;title\x07[/red]\u202e[bold"


@pytest.mark.parametrize("where", ["model", "baseline", "diagnosis", "override", "metric"])
def test_a_strangers_text_is_neither_markup_nor_an_escape_sequence(where, record, tmp_path, capsys):
    record.choices |= {"model": HOSTILE} if where == "model" else {}
    record.baselines |= {HOSTILE: {"val": 0.5}} if where == "baseline" else {}
    record.diagnosis += [HOSTILE] if where == "diagnosis" else []
    record.overrides += [f"model.x={HOSTILE}"] if where == "override" else []
    record.metric.name = HOSTILE if where == "metric" else "accuracy"
    found = printed(record, tmp_path, capsys)
    assert not set("\x1b\x07\u202e") & set(found)
    assert where == "override" or "[/red]" in found


@pytest.mark.cold
def test_what_is_to_be_trained_is_printed_before_libraries_load(tmp_path):
    for library in ("torch", "lightning", "numpy"):
        (tmp_path / f"{library}.py").write_text("raise ImportError('this is loaded later')\n")
    path = os.pathsep.join([str(tmp_path), str(runs.ROOT / "src")])
    environment = {**runs.environment(), "PYTHONPATH": path}
    command = runs.command(tmp_path / "run", "trainer.max_epochs=1")
    told = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert told.returncode == 1
    assert "this is loaded later" in told.stderr
    assert told.stdout.split() == ["mlp", "on", "digits"]


def test_masks_are_predicted_into_a_folder_as_they_are_no_rows(tmp_path):
    (tmp_path / "config.yaml").write_text("facts: {task: segmentation, test_size: 3}\n")
    assert next_commands.predict(tmp_path).endswith(f" input=test output={tmp_path}/masks")


def test_a_run_is_resumed_for_as_long_again_once_it_has_completed(record, tmp_path):
    record.epochs, record.status = 7, "completed"
    assert next_commands.resume(tmp_path, record).endswith(" trainer.max_epochs=14")
    record.status = "interrupted"
    assert next_commands.resume(tmp_path, record).endswith(f"resume={tmp_path}")
