"""Compare two runs or sweeps: their configs, and whether their metrics differ significantly.

python src/compare.py a=logs/train/runs/<run> b=logs/train/runs/<run>
python src/compare.py a=logs/train/sweeps/<study over seed=> b=logs/train/sweeps/<another>
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("compare")
def main(cfg: DictConfig) -> None:
    """Compare two folders."""
    from quintet.comparison.compare import compare

    compare(cfg)


if __name__ == "__main__":
    main()
