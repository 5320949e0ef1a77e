"""The promises of the example data source."""

from project.data.moons import moons
from quintet.data.facts import check


def test_it_keeps_the_contract_of_all_data_sets():
    check(moons())


def test_it_has_as_many_points_as_asked_for_and_the_same_ones_each_time():
    first, again, other = moons(50), moons(50), moons(50, draw=1)
    assert first.x.shape == (50, 2)
    assert first.y.bincount().tolist() == [25, 25]
    assert first.x.equal(again.x)
    assert not first.x.equal(other.x)
