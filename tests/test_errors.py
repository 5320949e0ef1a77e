import doctest

from quintet import errors


def test_examples():
    assert doctest.testmod(errors).failed == 0
