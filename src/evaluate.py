"""Evaluate a run's checkpoint again; the run folder has everything that is needed.

python src/evaluate.py run=logs/train/runs/<run>
python src/evaluate.py run=<run folder> splits=[test] checkpoint=last
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("evaluate")
def main(cfg: DictConfig) -> None:
    """Evaluate one run."""
    with busy(LOADING):
        from quintet.commands.evaluation import evaluate

    evaluate(cfg)


if __name__ == "__main__":
    main()
