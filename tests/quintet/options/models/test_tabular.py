"""The embedding model of mixed tables."""

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.options.models.tabular import Tabular


def test_embeddings_have_half_the_codes_and_at_most_fifty() -> None:
    model = Tabular([4], 2, cardinalities=[3, 1000])
    assert [each.embedding_dim for each in model.embeddings] == [2, 50]


def test_embedding_size_can_be_chosen() -> None:
    model = Tabular([4], 2, cardinalities=[3, 1000], embedding=8)
    assert [each.embedding_dim for each in model.embeddings] == [8, 8]


def test_each_code_is_looked_up_in_its_own_column() -> None:
    model = Tabular([3], 2, cardinalities=[3, 4])
    x = torch.tensor([[0.3, 2.0, 1.0]])
    before = model(x)
    model.embeddings[0].weight.data[:2] += 1
    model.embeddings[1].weight.data[2:] += 1
    assert torch.equal(model(x), before)
    model.embeddings[1].weight.data[1] += 1
    assert not torch.equal(model(x), before)


@pytest.mark.parametrize(("columns", "codes"), [(3, []), (2, [3, 4])])
def test_tables_of_one_kind_of_column_work(columns: int, codes: list[int]) -> None:
    assert Tabular([columns], 2, cardinalities=codes)(torch.ones(5, columns)).shape == (5, 2)


def test_an_impossible_embedding_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        Tabular([3], 2, cardinalities=[3], embedding=0)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "model.embedding"
