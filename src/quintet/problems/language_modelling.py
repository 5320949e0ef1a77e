"""Language modelling: the token that follows each token of a text."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.problems.problem import TINY, Array, Comparison, Floats, Problem

if TYPE_CHECKING:
    from torch import Tensor

Decode = Callable[[list[int]], str | None]
"""The text of token ids; None if it is not known."""


class LanguageModelling(Problem):
    """Targets: the id of the next token at each position, int64 (N, T).

    Outputs: logits (N, T, V) for V tokens of a vocabulary. Predictions: probabilities (N, T, V)
    that sum to 1 over the vocabulary; of these, the most probable token is kept, (N, T).
    """

    name = "language_modelling"
    dims, answer_dims = 2, 2
    shape = "(N, T)"
    defaults: ClassVar = {"metric": "bits_per_byte"}
    example: ClassVar = [[0, 1, 2], [2, 2, 0], [1, 0, 1]]
    example_input: ClassVar = {"input_shape": [6], "vocabulary": 3}
    readable_columns = False
    reported = ("bits_per_byte", "perplexity")
    sections = ()
    manner = "at random, whole documents"
    unit = "wrong tokens"

    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check that ids are valid in a vocabulary."""
        if int(y.min()) < 0:
            raise UserError(f"A token has the id {int(y.min())}, below 0", code=Code.DATA)

    def num_classes(self, y: "Tensor", names: Sequence[str]) -> int:
        """Return the size of the vocabulary."""
        return len(names) or int(y.max()) + 1

    def num_targets(self, y: "Tensor") -> int:
        """Return 1: one token follows."""
        return 1

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Count how often each token occurs."""
        return [int(n) for n in y.flatten().bincount(minlength=num_classes).tolist()]

    # --- learning

    def shifted(self, tokens: "Tensor") -> "tuple[Tensor, Tensor]":
        """Return the inputs and the targets of sequences (N, T + 1), (N, T) each."""
        return tokens[:, :-1], tokens[:, 1:]

    def token_losses(self, outputs: "Tensor", y: "Tensor") -> "Tensor":
        """Return the loss of each token in nats, (N * T,), without reduction."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="none")

    def output_shape(self, input_shape: Sequence[int], num_outputs: int) -> list[int]:
        """Return (T, V)."""
        return [*input_shape, num_outputs]

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn logits (N, T, V) into probabilities."""
        return outputs.softmax(-1)

    def blank(self, y: "Tensor", num_outputs: int) -> "Tensor":
        """Return outputs of zeros, (N, T, V)."""
        return y.new_zeros(()).float().expand(*y.shape, num_outputs)

    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Compare the ids with the size of the vocabulary, and the lengths."""
        wrong = int(y.max()) >= outputs.shape[-1] or y.shape != outputs.shape[:-1]
        seen = f"ids up to {int(y.max())} in sequences of {y.shape[1]}; the model has "
        return wrong, f"{seen}{outputs.shape[-1]} in sequences of {outputs.shape[1]}"

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood of a token in nats."""
        chances = predicted.gather(-1, truth[..., None])
        return float(chances.clamp(min=TINY).log().mean())

    # --- measures

    def measures(self, nats: "Tensor", tokens_per_byte: float | None) -> "dict[str, Tensor]":
        """Return the measures that follow from a mean loss, by name.

        Args:
            nats: mean loss of a token, ().
            tokens_per_byte: of the text; None if its bytes are not known.

        Returns:
            `loss`; `perplexity`, the number of equally likely tokens among which the model still
            chooses; and `bits_per_byte`, which compares models with different tokenizers.

        """
        found = {"loss": nats, "perplexity": nats.exp()}
        if tokens_per_byte:
            found["bits_per_byte"] = nats / math.log(2) * tokens_per_byte
        return found

    # --- predictions

    def continued(self, ids: "Tensor", prompt: int, decode: Decode | None) -> dict[str, Any]:
        """Return prompts and their generated continuations, as `predict_step` does.

        Args:
            ids: (N, T); the first `prompt` tokens are the prompt.
            prompt: number of tokens.
            decode: returns the text of tokens; None if there is no tokenizer.

        Returns:
            texts `prompt` and `continuation`; or `tokens`, if there is no text.

        """
        given, generated = ids[:, :prompt].tolist(), ids[:, prompt:].tolist()
        if decode is None or decode(given[0]) is None:
            return {"tokens": ids}
        texts = {"prompt": given, "continuation": generated}
        return {name: [decode(row) for row in rows] for name, rows in texts.items()}

    def stored(self, predicted: "Tensor") -> "Tensor":
        """Return the most probable token at each position, (N, T)."""
        return predicted.argmax(-1)

    def decided(self, predicted: Array) -> Array:
        """Return the tokens, (N, T)."""
        return predicted.astype(np.int64)

    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the share of a sequence's tokens that are wrong."""
        return np.asarray((predicted != target).mean(axis=1), dtype=np.float64)

    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """Compare a sequence with the prediction at each of its positions."""
        wrong = float(self.wrongness(target[None], predicted[None])[0])
        true, said = (
            " ".join(names[i] if names else str(i) for i in part) for part in (target, predicted)
        )
        return Comparison(true, said, wrong, f"{wrong:.1%}")

    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Return the token at each position, one column per position."""
        return {f"token_{i}": column for i, column in enumerate(self.decided(predicted).T)}


PROBLEM = LanguageModelling()
