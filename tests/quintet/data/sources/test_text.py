import hashlib

import pytest

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.sources.text import GROUPS, encode, unicode_names, words


def test_the_set_keeps_the_contract_and_its_size() -> None:
    samples = unicode_names()
    check(samples)
    assert tuple(samples.x.shape) == (12735, 12)


def test_the_set_is_the_same_in_every_version_of_python() -> None:
    samples = unicode_names()
    digest = hashlib.sha256(samples.x.numpy().tobytes() + samples.y.numpy().tobytes())
    assert digest.hexdigest()[:16] == "8d0db49d9f2e2a53"


def test_names_carry_the_class_of_their_character() -> None:
    samples = unicode_names(min_count=1)
    vocabulary = samples.reader["vocabulary"]
    kinds = list(GROUPS)
    for name, kind in [
        ("GREEK SMALL LETTER OMEGA", "small letter"),
        ("SOUTH EAST ARROW", "other symbol"),
        ("ARABIC-INDIC DIGIT SEVEN", "number"),
    ]:
        row = encode([name], vocabulary, 12)[0]
        same = (samples.x == row).all(dim=1).nonzero()[:, 0]
        assert [kinds[int(samples.y[i])] for i in same] == [kind]


def test_rare_and_new_words_are_unknown_and_the_end_is_padded() -> None:
    assert encode(["a new-fangled B"], ["A", "B"], 6).tolist() == [[2, 1, 1, 3, 0, 0]]
    assert words("Two-way, arrow") == ["TWO", "WAY", "ARROW"]


def test_an_impossible_length_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        unicode_names(length=0)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "data.length"
