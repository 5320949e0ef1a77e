"""Write the report of a sweep, finished or still running, or of a run: one page, report.html.

python src/report.py sweep=logs/train/sweeps/<study>
python src/report.py sweep=<sweep folder> live=true
python src/report.py sweep=<sweep folder> output=for_the_team.html
python src/report.py run=logs/train/runs/<run>
python src/report.py run=<run folder> live=true
"""

from omegaconf import DictConfig

from quintet.commands.entry_point import command


@command("report")
def main(cfg: DictConfig) -> None:
    """Write one report."""
    from quintet.report.sweep.sweep_page import report

    report(cfg)


if __name__ == "__main__":
    main()
