"""The callback in a real run: what it logs to metrics.csv."""

import csv

import pytest

from project.callbacks.new_option import NewOption
from quintet.base.errors import UserError
from quintet.testing import SHORT, ran


def test_metrics_csv_has_the_number_of_every_epoch(tmp_path):
    ran(tmp_path, "data=wine", *SHORT, "callbacks=new_option", "trainer.max_epochs=2")
    with (tmp_path / "metrics.csv").open() as file:
        norms = [float(row["gradient_norm"]) for row in csv.DictReader(file)]
    assert len(norms) == 2
    assert min(norms) > 0


def test_it_has_a_name_of_its_own():
    assert NewOption(name="size").name == "size"


def test_an_unknown_argument_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match="name"):
        ran(tmp_path, "data=wine", *SHORT, "callbacks=new_option", "+callbacks.new_option.nam=x")
