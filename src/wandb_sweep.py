"""Write a sweep as a file for `wandb sweep`, with the same overrides as `train.py -m`.

python src/wandb_sweep.py search_space=high sweeper=random sweeper.n_trials=20 > sweep.yaml
python src/wandb_sweep.py sweeper=optuna optimizer=adam,sgd model.depth=range(1,5) > sweep.yaml
wandb sweep sweep.yaml
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("wandb_sweep")
def main(cfg: DictConfig) -> None:
    """Do nothing: Hydra calls the sweeper of the config, which writes the file."""


if __name__ == "__main__":
    main()
