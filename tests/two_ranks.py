"""Evaluates run folders on as many ranks as asked for: two_ranks.py <devices> <run folder> ..."""

import json
import shutil
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir

from quintet.artifacts.predictions_file import FILE
from quintet.base.process import is_first_rank
from quintet.commands.evaluation import evaluate

if __name__ == "__main__":
    devices, *folders = sys.argv[1:]
    configs = str(Path(__file__).parents[1] / "configs")
    with initialize_config_dir(configs, version_base="1.3"):
        for folder in folders:
            place = [f"run={folder}", f"paths.run={folder}"]
            cfg = compose("evaluate", [*place, "trainer=ddp_cpu", f"trainer.devices={devices}"])
            scores = evaluate(cfg)
            (Path(folder) / f"scores_{devices}.json").write_text(json.dumps(scores))
            if is_first_rank():
                answers = Path(folder) / f"answers_{devices}"
                answers.mkdir()
                shutil.copy(Path(folder) / FILE, answers)
