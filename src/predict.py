"""Predict new inputs with a trained run.

python src/predict.py run=logs/train/runs/<run> input=new.csv output=predictions.csv
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("predict")
def main(cfg: DictConfig) -> None:
    """Predict one file."""
    with busy(LOADING):
        from quintet.commands.prediction import predict

    predict(cfg)


if __name__ == "__main__":
    main()
