"""Overhead of a sweep beyond its training.

python benchmarks/sweep.py [trials]    20 short trials on digits, five ways: wall and CPU seconds
python benchmarks/sweep.py asking      a study's own work per trial, at 10, 100 and 1000 trials

The ways: one after another in one process; plain Optuna on the same function; ours with one slot
and with two; ours with a new process per trial.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRIALS = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdecimal() else 20
SHORT = ["model=mlp", "trainer.max_epochs=5", "test=false"]
SEEDS = f"seed=range(0,{TRIALS})"

LOOP = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {src!r}); os.environ["PROJECT_ROOT"] = {root!r}
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict

def train(seed):
    folder = {folder!r} + f"/{{seed}}"
    os.makedirs(folder)
    with initialize_config_dir({root!r} + "/configs", version_base="1.3"):
        cfg = compose("train", [*{short!r}, f"seed={{seed}}", f"paths.run={{folder}}"])
    from quintet.training.experiment import run
    return run(cfg)
"""
PLAIN = LOOP + "\nfor seed in range({trials}): train(seed)\n"
OPTUNA = (
    LOOP
    + """
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(lambda trial: train(trial.number), n_trials={trials})
"""
)


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall and CPU seconds, children included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def ways(folder: str) -> dict[str, list[str]]:
    """Return each way's command."""
    given = {"src": str(ROOT / "src"), "root": str(ROOT), "short": SHORT, "trials": TRIALS}
    train = [sys.executable, str(ROOT / "src/train.py"), "-m", *SHORT, SEEDS]

    def code(text: str, name: str) -> list[str]:
        return [sys.executable, "-c", text.format(**given, folder=f"{folder}/{name}")]

    def sweep(name: str, *more: str) -> list[str]:
        return [*train, f"hydra.sweep.dir={folder}/{name}", *more]

    return {
        "one process, one after another": code(PLAIN, "plain"),
        "plain Optuna in one process": code(OPTUNA, "optuna"),
        "quintet, 1 slot": sweep("one"),
        "quintet, 2 slots": sweep("two", "sweeper.slots=2"),
        "quintet, 1 slot, isolation=process": sweep("process", "sweeper.isolation=process"),
    }


def compare() -> None:
    print(f"{TRIALS} trials: {' '.join(SHORT)}; load {os.getloadavg()[0]:.1f}\n")
    print("| way | wall s | CPU s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, command in ways(folder).items():
            wall, cpu = measured(command)
            print(f"| {name} | {wall:.1f} | {cpu:.1f} |", flush=True)


def asking() -> None:
    sys.path.insert(0, str(ROOT / "src"))
    from quintet.study.space import Interval, Space
    from quintet.study.study import Study
    from quintet.sweep.samplers import Random
    from quintet.sweep.samplers.model_based import Tpe

    space = Space(tuple(Interval(f"p{i}", 0, 1) for i in range(8)))
    print("| trials in the study | random, ms a trial | TPE, ms a trial |\n|---|---|---|")
    for size in (10, 100, 1000):
        cells = []
        for sampler in (Random(), Tpe()):
            with tempfile.TemporaryDirectory() as folder:
                study = Study(Path(folder), "max")
                fill(study, space, Random(), size)
                began = time.process_time()
                fill(study, space, sampler, 10)
                cells.append(f"{(time.process_time() - began) * 100:.1f}")
        print(f"| {size} | {' | '.join(cells)} |", flush=True)


def fill(study, space, sampler, count: int) -> None:
    """Ask and tell, with all that the slot loop reads and writes."""
    for _ in range(count):
        with study.claiming():
            trials = study.trials()
            point = sampler.suggest(trials, space, len(trials), 0, "max")
            number = study.create(point, space, {})
        study.trials()
        study.note(number, status="completed", epochs=1, seconds=1.0, value=float(number % 7))
        study.tell(number, "completed", float(number % 7))


if __name__ == "__main__":
    asking() if "asking" in sys.argv else compare()
