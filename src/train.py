"""Train one model: five choices in, one run folder out.

python src/train.py
python src/train.py optimizer=sgd_momentum optimizer.lr=0.05 model=cnn trainer.max_epochs=12
python src/train.py data=csv data.path=houses.csv data.target=price loss=mse metric=rmse
python src/train.py cv.folds=5
python src/train.py -m optimizer.lr=0.01,0.003,0.001 init=he_uniform,xavier_uniform
python src/train.py resume=logs/train/runs/<run>
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("train")
def main(cfg: DictConfig) -> float | None:
    """Run one experiment and return its metric."""
    from quintet.commands.experiments import train

    return train(cfg).metric.value


if __name__ == "__main__":
    main()
