"""Make an ensemble of a sweep's best models: chosen on validation, averaged, tested once.

python src/ensemble.py sweep=logs/train/sweeps/<study>
python src/predict.py run=logs/train/sweeps/<study>/ensemble input=new.csv
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("ensemble")
def main(cfg: DictConfig) -> None:
    """Make one ensemble."""
    with busy(LOADING):
        from quintet.ensembles.ensemble import assemble

    assemble(cfg)


if __name__ == "__main__":
    main()
