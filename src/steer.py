"""Steer a run while it trains: change its learning rate, pause it, stop it, keep a checkpoint.

python src/steer.py run=logs/train/runs/<run> optimizer.lr=1e-4
python src/steer.py run=<run folder> pause=true
python src/steer.py run=<run folder> stop=true checkpoint=true
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("steer")
def main(cfg: DictConfig) -> None:
    """Steer one run."""
    from quintet.commands.steer import steer

    steer(cfg)


if __name__ == "__main__":
    main()
