"""A causal language model: it predicts each token from those before it."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast, runtime_checkable

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.options.metrics import RunningMean
from quintet.problems.language_modelling import PROBLEM


class LanguageModel(L.LightningModule):
    """Learns the distribution of the next token; evaluated by perplexity and bits per byte.

    It logs `loss` (nats per token), `perplexity` and, where the data knows its bytes,
    `bits_per_byte`.

    Args:
        model: maps token ids (N, T) to logits of the token after each one, (N, T, V), or to an
            object with such `logits`, as causal models of Hugging Face transformers do.
        optimizer: makes the optimizer of the module.
        scheduler: makes the schedule of an optimizer's rate.
        facts: of the data: `input_shape` and `other.tokens_per_byte`.
        new_tokens: how many tokens `predict_step` adds to a prompt.
        temperature: of sampling; 0 takes the most probable token.

    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        facts: Mapping[str, Any],
        new_tokens: int = 200,
        temperature: float = 0.8,
    ) -> None:
        super().__init__()
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        (self.length,) = facts["input_shape"]
        self.per_byte = (facts.get("other") or {}).get("tokens_per_byte") or {}
        self.new_tokens, self.temperature = new_tokens, temperature
        self.example_input_array = torch.zeros(2, self.length, dtype=torch.long)
        self.means = nn.ModuleDict({f"on_{split}": RunningMean() for split in ("val", "test")})

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits of the next token at each position, (N, T, V), for token ids (N, T)."""
        found = self.model(ids)
        return cast(Tensor, found if isinstance(found, Tensor) else found.logits)

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


@runtime_checkable
class Decodes(Protocol):
    """Data that can decode tokens."""

    def decode(self, ids: list[int]) -> str | None:
        """Return the text of token ids; None if it is not known."""
