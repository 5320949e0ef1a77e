"""Measure the metric against the amount of training data, to see whether more would help.

python src/learning_curve.py
python src/learning_curve.py data=csv data.path=houses.csv data.target=price fractions=[0.25,0.5,1]
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("learning_curve")
def main(cfg: DictConfig) -> None:
    """Measure one learning curve."""
    with busy(LOADING):
        from quintet.commands.learning_curve import measure

    measure(cfg)


if __name__ == "__main__":
    main()
