"""The output of the example callback in a real run."""

import csv

from quintet.testing import SHORT, ran


def test_metrics_csv_has_the_norm_of_every_epoch(tmp_path):
    ran(tmp_path, "data=digits", *SHORT, "callbacks=weight_norm", "trainer.max_epochs=2")
    with (tmp_path / "metrics.csv").open() as file:
        norms = [float(row["weight_norm"]) for row in csv.DictReader(file)]
    assert len(norms) == 2
    assert min(norms) > 0
