"""Export a trained model to torch.export and ONNX, and check both against it.

python src/export.py run=logs/train/runs/<run>
python src/export.py run=<run folder> formats=[onnx] output=deploy
"""

from omegaconf import DictConfig

from quintet.base.console import LOADING, busy
from quintet.commands.entry_point import command


@command("export")
def main(cfg: DictConfig) -> None:
    """Export one run."""
    with busy(LOADING):
        from quintet.commands.export import export

    export(cfg)


if __name__ == "__main__":
    main()
