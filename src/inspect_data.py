"""Inspect a data set before training: its contents, and the choices that fit it.

python src/inspect_data.py data=csv data.path=houses.csv data.target=price
python src/inspect_data.py data=images data.path=photos/
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("inspect_data")
def main(cfg: DictConfig) -> None:
    """Inspect one data set."""
    from quintet.commands.inspect_data import inspect_data

    inspect_data(cfg)


if __name__ == "__main__":
    main()
