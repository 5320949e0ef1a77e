"""Free text in a column of a table as numbers, without fitting a vocabulary."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEATURES = 256
"""Features of a text."""
GRAMS = (3, 4)
"""Lengths of n-grams within words: for any language, and similar for words with one stem."""


def hashed(texts: Sequence[str], features: int = FEATURES) -> NDArray[np.float32]:
    """Return texts as (N, features), each of length 1; a text without letters is 0.

    Each n-gram of characters is added to or subtracted from one feature, depending on its hash
    (Weinberger et al. 2009, "Feature hashing for large scale multitask learning").
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=GRAMS, n_features=features, dtype=np.float32
    )
    found: NDArray[np.float32] = vectorizer.transform(texts).toarray()
    return found
