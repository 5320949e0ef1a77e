"""Check a setup before training, with the same overrides as train.py; exit code 1 on failure.

python src/check.py
python src/check.py model=cnn optimizer=sgd_momentum data=csv data.path=houses.csv
python src/check.py apply=true          then train, with the suggested learning rate
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("check")
def main(cfg: DictConfig) -> float | None:
    """Check one setup."""
    with busy(LOADING):
        from quintet.commands.check import check

    return check(cfg)


if __name__ == "__main__":
    main()
