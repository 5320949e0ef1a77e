"""What the engine's models do beyond what every model must (`quintet.testing.model_contract`)."""

from pathlib import Path

import pytest
import torch
from torch import nn

from quintet.testing.model_contract import batch, built, cases


@pytest.mark.parametrize(("path", "kind"), cases())
class TestEveryModelOfTheEngine:
    def test_ends_in_a_linear_head(self, path: Path, kind: str) -> None:
        model = built(path, kind)
        assert isinstance(model.head, nn.Linear | nn.Conv2d)
        value = 0.0 if model.head.bias is None else 0.5
        model.head.weight.data.zero_()
        if model.head.bias is not None:
            model.head.bias.data.fill_(value)
        found = model(batch(kind))
        assert torch.equal(found, torch.full_like(found, value))

    def test_looks_at_every_number_of_its_input(self, path: Path, kind: str) -> None:
        model, x = built(path, kind).eval(), batch(kind)[:1]
        before = model(x)
        for index in torch.cartesian_prod(*map(torch.arange, x.shape[1:])).view(-1, x.dim() - 1):
            changed = x.clone()
            changed[(0, *index.tolist())] += 1 if changed[(0, *index.tolist())] < 1 else -1
            assert not torch.equal(model(changed), before), index.tolist()

    @pytest.mark.slow
    def test_exports_with_a_batch_of_any_size(self, path: Path, kind: str) -> None:
        model = built(path, kind).eval()
        rows = torch.export.Dim("rows", min=1)
        exported = torch.export.export(model, (batch(kind),), dynamic_shapes=({0: rows},))
        x = batch(kind, size=7)
        torch.testing.assert_close(exported.module()(x), model(x))
