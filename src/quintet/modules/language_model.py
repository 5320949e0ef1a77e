"""A causal language model: a transformer that predicts each token from those before it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.base.errors import Code, UserError
from quintet.modules.module_settings import between, whole
from quintet.options.metrics import RunningMean
from quintet.problems.language_modelling import PROBLEM

MULTIPLIER = 1_000_003
"""Of the hash of several tokens."""


class LanguageModel(L.LightningModule):
    """Learns the distribution of the next token; evaluated by perplexity and bits per byte.

    A decoder-only transformer with layer norm before each sublayer (Vaswani et al., 2017,
    "Attention is all you need"; Radford et al., 2019, "Language models are unsupervised multitask
    learners", whose initialisation it uses). With `ngrams`, the embeddings of the n-grams that end
    with a token are added to its own, from hashed tables (Pagnoni et al., 2024, "Byte latent
    transformer", section 3.2.1); on a small text they overfit.

    It logs `loss` (nats per token), `perplexity` and, where the data knows its bytes,
    `bits_per_byte`.

    Args:
        optimizer: makes the optimizer of the module.
        scheduler: makes the schedule of an optimizer's rate.
        facts: of the data: `vocabulary`, `input_shape` and `other.tokens_per_byte`.
        width: embedding dimension, a multiple of `heads`.
        depth: number of layers.
        heads: attention heads of a layer.
        dropout: dropout probability.
        ngrams: lengths of the n-grams that have their own embeddings.
        table: rows of each table of n-grams.
        new_tokens: how many tokens `predict_step` adds to a prompt.
        temperature: of sampling; 0 takes the most probable token.

    Raises:
        UserError: a setting is out of range, or the heads do not divide the width.

    """

    positions: Tensor

    def __init__(
        self,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        facts: Mapping[str, Any],
        width: int = 128,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        ngrams: Sequence[int] = (),
        table: int = 8192,
        new_tokens: int = 200,
        temperature: float = 0.8,
    ) -> None:
        super().__init__()
        if whole("width", width) % whole("heads", heads):
            raise UserError(
                f"is not a multiple of module.heads={heads}",
                code=Code.INCOMPATIBLE,
                key="module.width",
                value=width,
                hint=f"Set module.width={-(-width // heads) * heads}.",
            )
        self.optimizer, self.scheduler = optimizer, scheduler
        (self.length,), self.vocabulary = facts["input_shape"], facts["vocabulary"]
        self.per_byte = (facts.get("other") or {}).get("tokens_per_byte") or {}
        self.new_tokens, self.temperature = new_tokens, temperature
        self.ngrams, self.table = list(ngrams), whole("table", table)
        self.tokens = nn.Embedding(self.vocabulary, width)
        self.grams = nn.ModuleList(nn.Embedding(table, width) for _ in ngrams)
        self.positions_table = nn.Embedding(self.length, width)
        self.dropout = nn.Dropout(between("dropout", dropout, 0, 0.99))
        self.layers = nn.ModuleList(
            CausalLayer(width, heads, dropout) for _ in range(whole("depth", depth))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, self.vocabulary, bias=False)
        self._initialise(depth)
        self.example_input_array = torch.zeros(2, self.length, dtype=torch.long)
        self.means = nn.ModuleDict({f"on_{split}": RunningMean() for split in ("val", "test")})

    def _initialise(self, depth: int) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                scale = 0.02 / math.sqrt(2 * depth) if name.endswith("out.weight") else 0.02
                nn.init.normal_(parameter, std=scale)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits of the next token at each position, (N, T, V), for token ids (N, T)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.tokens(ids) + self.positions_table(places)
        for n, embedding in zip(self.ngrams, self.grams, strict=True):
            x = x + embedding(self._hashed(ids, n))
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x)
        return cast(Tensor, self.head(self.norm(x)))

    def _hashed(self, ids: Tensor, n: int) -> Tensor:
        """Return the row of the n-gram that ends at each position, (N, T)."""
        code = ids
        for back in range(1, n):
            earlier = nn.functional.pad(ids, (back, 0))[:, : ids.shape[1]]
            code = (code * MULTIPLIER + earlier + 1) % (2**31 - 1)
        return code % self.table

    def _losses(self, batch: Tensor) -> Tensor:
        """Return the loss of each token, in nats."""
        inputs, targets = PROBLEM.shifted(batch)
        return PROBLEM.token_losses(self(inputs), targets)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the mean loss per token."""
        loss = self._losses(batch).mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Add the batch."""
        self._mean("val").update(self._losses(batch))

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        """Add the batch."""
        self._mean("test").update(self._losses(batch))

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics."""
        self._log("val")

    def on_test_epoch_end(self) -> None:
        """Log the test metrics."""
        self._log("test")

    def _mean(self, split: str) -> "RunningMean":
        return cast(RunningMean, self.means[f"on_{split}"])

    def _log(self, split: str) -> None:
        found = PROBLEM.measures(self._mean(split).compute(), self.per_byte.get(split))
        self._mean(split).reset()
        self.log_dict({f"{split}/{name}": value for name, value in found.items()}, prog_bar=True)

    def predict_step(self, batch: Tensor, batch_idx: int) -> dict[str, Any]:
        """Continue prompts (N, T); return the text, or the ids if the data cannot decode them."""
        ids = self.generate(batch, torch.Generator(self.device).manual_seed(batch_idx))
        data = self._data()
        decode = data.decode if isinstance(data, Decodes) else None
        return PROBLEM.continued(ids, batch.shape[1], decode)

    def _data(self) -> object:
        """Return the datamodule; None outside a Trainer."""
        try:
            return cast(Any, self.trainer).datamodule
        except RuntimeError:
            return None

    def generate(self, ids: Tensor, generator: torch.Generator) -> Tensor:
        """Return ids (N, T) followed by `new_tokens` sampled ones."""
        for _ in range(self.new_tokens):
            logits = self(ids[:, -self.length :])[:, -1]
            if self.temperature > 0:
                chances = (logits / self.temperature).softmax(-1)
                following = torch.multinomial(chances, 1, generator=generator)
            else:
                following = logits.argmax(-1, keepdim=True)
            ids = torch.cat([ids, following], dim=1)
        return ids

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and its schedule."""
        optimizer = self.optimizer(self)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}


class CausalLayer(nn.Module):
    """Causal self-attention, then a feed-forward part, each with a residual connection.

    Shapes: (N, T, width) -> (N, T, width).

    Args:
        width: embedding dimension.
        heads: attention heads, which divide the width.
        dropout: dropout probability.

    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.before_attention, self.before_hidden = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.hidden = nn.Linear(width, 4 * width)
        self.hidden_out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens, each with the context of those before it."""
        qkv = self.qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.transpose(1, 3).unbind(2)  # each (N, heads, T, width / heads)
        seen = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.dropout(self.attention_out(seen.transpose(1, 2).flatten(2)))
        hidden = nn.functional.gelu(self.hidden(self.before_hidden(x)))
        return cast(Tensor, x + self.dropout(self.hidden_out(hidden)))


@runtime_checkable
class Decodes(Protocol):
    """Data that can decode tokens."""

    def decode(self, ids: list[int]) -> str | None:
        """Return the text of token ids; None if it is not known."""
