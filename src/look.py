"""Look at a data set before anything is trained: what it holds, and which choices fit it.

python src/look.py data=csv data.path=houses.csv data.target=price
python src/look.py data=images data.path=photos/
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("look")
def main(cfg: DictConfig) -> None:
    """Look at one data set."""
    from quintet.commands.inspect_data import look

    look(cfg)


if __name__ == "__main__":
    main()
