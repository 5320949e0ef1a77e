import doctest

from quintet.base import errors


def test_examples():
    assert doctest.testmod(errors).failed == 0
