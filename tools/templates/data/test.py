"""What is specific to this data set; test_contract.py tests the rest."""

import pytest

from project.data.new_option import new_option
from quintet.data.facts import check


def test_it_keeps_the_contract_of_all_data_sets():
    check(new_option())


@pytest.mark.parametrize("classes", [2, 3])
def test_there_are_fifty_flowers_of_each_species(classes):
    samples = new_option(classes)
    assert samples.x.shape == (50 * classes, 4)
    assert samples.y.bincount().tolist() == [50] * classes
    assert samples.class_names == ["setosa", "versicolor", "virginica"][:classes]
