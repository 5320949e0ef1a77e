from pathlib import Path

import pytest
import torch

from quintet.base.errors import Code
from quintet.data.facts import check
from quintet.data.samples import Samples
from quintet.data.sources.own_texts import own_texts
from quintet.data.sources.reader import read_new
from refusals import Refusal

GOOD, BAD = "a great film, loved it", "dull and much too long"


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    """A file of reviews, one of them empty."""
    lines = [f'{i},"{GOOD if i % 2 else BAD} {i}",{"up" if i % 2 else "down"}' for i in range(60)]
    lines[7] = "7,,up"
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["id,review,verdict", *lines]))
    return str(path)


def test_texts_are_cut_into_words_and_read_again_alike(reviews: str) -> None:
    samples = own_texts(reviews, target="verdict", length=6)
    check(samples)
    assert (samples.task, samples.kind, samples.class_names) == ("binary", "tokens", ["down", "up"])
    assert samples.vocabulary == len({*GOOD.replace(",", "").split(), *BAD.split()}) + 2
    assert samples.x.shape == (60, 6)
    assert samples.x[7].tolist() == [0] * 6
    assert samples.x[8, 5] == 1  # its number, which occurs once
    assert torch.equal(read_new(Path(reviews), samples.reader).x, samples.x)
    assert "60 texts of 'review'" in samples.data_summary[0]


def test_the_most_frequent_words_are_kept_and_long_texts_are_reported(reviews: str) -> None:
    samples: Samples = own_texts(reviews, "review", "verdict", length=3, most_words=4)
    assert samples.vocabulary == 6
    assert "59 texts are cut after 3 words (data.length)." in samples.data_summary


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({}, Refusal(Code.MISSING_VALUE, "data.target")),
        (
            {"target": "verdikt"},
            Refusal(
                Code.UNKNOWN_NAME, "data.target", "verdikt", allowed=("id", "review", "verdict")
            ),
        ),
        (
            {"target": "verdict", "text": "reviw"},
            Refusal(Code.UNKNOWN_NAME, "data.text", "reviw", allowed=("id", "review", "verdict")),
        ),
        ({"target": "verdict", "length": 0}, Refusal(Code.OUT_OF_RANGE, "data.length", 0)),
    ],
)
def test_mistakes_are_named(reviews: str, options: dict[str, object], refusal: Refusal) -> None:
    with refusal:
        own_texts(reviews, **options)  # type: ignore[arg-type]
