"""A test that needs an option which was taken out is known by what it says, before it runs."""

from functools import partial

import pytest

from needs import needed

WORDS = {"quick": ("data=wine", "model.width=8")}


def helper(place):
    return partial(print, place, *WORDS["quick"])


@pytest.fixture
def grown():
    return "model=mlp,cnn"


@pytest.mark.parametrize("word", ["experiment=text", "model=mlp"])
@pytest.mark.needs("data/titanic")
def test_a_test_needs_what_it_says_itself_and_by_helpers_fixtures_and_marks(request, word, grown):
    groups = {"data": ["wine", "titanic", "elnino"], "model": ["cnn"], "experiment": ["text"]}
    options = [f"{group}/{name}" for group, names in groups.items() for name in names]
    assert helper("here")
    expected = {"wine", "titanic", "cnn"} | ({"text"} if word.startswith("experiment") else set())
    assert {option.partition("/")[2] for option in needed(request.node, options)} == expected
