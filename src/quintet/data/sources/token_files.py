"""Token files for language models: memory-mapped arrays, read as packed sequences."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from quintet.base import paths, schema
from quintet.base.errors import Code, UserError
from quintet.base.files import write_json
from quintet.data.loading.loader import epoch_generator
from quintet.data.sources.tokenizers_file import LARGEST
from quintet.problems.language_modelling import PROBLEM

SPLITS = ("train", "val", "test")
ABOUT = "tokens.json"
TOKENIZER = "tokenizer.json"
"""An optional Hugging Face tokenizer, with which predictions are text."""
TOPICS = paths.ROOT / "logs" / "data" / "python_topics"
BYTES = 256
SEPARATOR = 0
"""The byte between documents of `python_topics`; no text contains it."""


@dataclass(frozen=True)
class TokenDescription:
    """The content of `tokens.json`: how the arrays are read.

    Args:
        dtype: of the token ids.
        vocabulary: number of distinct tokens; ids are smaller.
        bytes: size of the text by split.

    """

    dtype: Literal["uint8", "uint16", "uint32", "int32", "int64"]
    vocabulary: int
    bytes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: one is out of range.

        """
        if not 0 < self.vocabulary <= LARGEST:
            raise ValueError(f"vocabulary={self.vocabulary} is not from 1 to {LARGEST:,}")
        if odd := [s for s, count in self.bytes.items() if s not in SPLITS or count < 1]:
            raise ValueError(f"bytes.{odd[0]} is not the size of train, val or test")


class Windows(Dataset[Tensor]):
    """Sequences of `length` tokens, each with the token that follows it.

    Documents are packed: a sequence starts where the previous one ended, within a document or
    across several, so no padding is needed.

    Args:
        tokens: (M,), memory-mapped.
        length: tokens per sequence.
        vocabulary: upper bound of all tokens; None for no check.

    """

    def __init__(self, tokens: NDArray[Any], length: int, vocabulary: int | None = None) -> None:
        self.tokens, self.length, self.vocabulary = tokens, length, vocabulary

    def __len__(self) -> int:
        """Return the number of sequences; a shorter last one is dropped."""
        return (len(self.tokens) - 1) // self.length

    def __getitem__(self, start: int) -> Tensor:
        """Return the tokens from a position, (length + 1,), int64.

        Raises:
            UserError: one is outside the vocabulary, so that a model would fail or read past its
                embedding.

        """
        window = self.tokens[start : start + self.length + 1].astype(np.int64)
        if self.vocabulary is not None and not 0 <= window.min() <= window.max() < self.vocabulary:
            odd = int(window.min() if window.min() < 0 else window.max())
            raise UserError(
                f"The token {odd} near position {start} is outside the vocabulary of "
                f"{self.vocabulary} stated in {ABOUT}",
                code=Code.DATA,
                hint=f"Correct the dtype or the vocabulary in {ABOUT}.",
            )
        return torch.from_numpy(window)


class Starts(DistributedSampler[int]):
    """The start positions of the sequences of an epoch, distributed over all processes.

    In training, the order depends on seed and epoch, so a resumed run repeats it; all sequences are
    shifted by one offset, so that epochs cut the text at different places.

    Args:
        windows: to sample from.
        rank: of this process.
        world_size: number of processes.
        seed: seed of the order; None for sequential order.

    """

    def __init__(self, windows: Windows, rank: int, world_size: int, seed: int | None) -> None:
        super().__init__(windows, world_size, rank)  # so that Lightning does not redistribute them
        self.windows, self.order_seed = windows, seed

    def __len__(self) -> int:
        """Return how many sequences this process gets: the same for all processes in training."""
        count, world = len(self.windows), self.num_replicas
        if self.order_seed is not None:
            return count // world
        return len(range(self.rank, count, world))

    def __iter__(self) -> Iterator[int]:
        """Yield positions of tokens."""
        count, length = len(self.windows), self.windows.length
        order, offset = torch.arange(count), 0
        if self.order_seed is not None:
            generator = epoch_generator(self.order_seed, self.epoch)
            order = torch.randperm(count, generator=generator)
            spare = len(self.windows.tokens) - 1 - count * length
            offset = int(torch.randint(spare + 1, (), generator=generator))
        mine = order[self.rank :: self.num_replicas][: len(self)]
        yield from (mine * length + offset).tolist()


class TokenFiles(L.LightningDataModule):
    """A folder of token files: `train.bin`, `val.bin`, `test.bin`, and `tokens.json` about them.

    A `.bin` file is a plain array of token ids. `tokens.json` gives their `dtype` (such as uint16),
    the size of the `vocabulary` and, for bits per byte, the number of `bytes` of text by split.
    Batches are (N, length + 1) token ids, int64: a model predicts each from those before it.

    Args:
        path: the folder.
        length: tokens per sequence.
        batch_size: sequences in a batch.
        order_seed: of the order of batches.
        prompt: tokens of a prompt; predict.py continues prompts from the test part.
        prompts: number of prompts.

    Raises:
        UserError: a file is missing or too short.

    """

    def __init__(
        self,
        path: str,
        length: int = 256,
        batch_size: int = 32,
        order_seed: int = 42,
        prompt: int = 64,
        prompts: int = 8,
    ) -> None:
        super().__init__()
        self.folder = Path(path)
        self.length, self.batch_size, self.order_seed = length, batch_size, order_seed
        self.prompt, self.prompts = prompt, prompts
        self.windows: dict[str, Windows] = {}
        self.facts: dict[str, Any] = {}

    def setup(self, stage: str) -> None:
        """Map the files into memory; nothing is read yet."""
        if self.windows:
            return
        if self.length < 1:
            raise UserError(
                "must be at least 1 token",
                code=Code.OUT_OF_RANGE,
                key="data.length",
                value=self.length,
            )
        about = self._about()
        for split in SPLITS:
            tokens = self._mapped(split, about.dtype)
            self.windows[split] = Windows(tokens, self.length, about.vocabulary)
            if not len(self.windows[split]):
                raise UserError(
                    f"{split}.bin has {len(tokens)} tokens, but a sequence needs {self.length + 1}",
                    code=Code.DATA,
                    key="data.length",
                    value=self.length,
                )
        self.facts = {
            "task": PROBLEM.name,
            "kind": "tokens",
            "input_shape": [self.length],
            "vocabulary": about.vocabulary,
            "fingerprint": self._fingerprint(),
            "tokens_per_byte": {
                split: len(self.windows[split].tokens) / count
                for split, count in about.bytes.items()
            },
        }

    def _about(self) -> TokenDescription:
        try:
            return schema.build(
                TokenDescription, json.loads(_plain(self.folder / ABOUT).read_text("utf-8"))
            )
        except (OSError, ValueError, RecursionError) as error:
            reason = str(error)
        raise UserError(
            f"has no readable {ABOUT}: {reason}",
            code=Code.DATA,
            key="data.path",
            value=str(self.folder),
            hint='Write one: {"dtype": "uint16", "vocabulary": 50257}.',
        )

    def _mapped(self, split: str, dtype: str) -> NDArray[Any]:
        try:
            return np.memmap(_plain(self.folder / f"{split}.bin"), dtype=dtype, mode="r")
        except (OSError, ValueError) as error:
            raise UserError(
                f"has no readable {split}.bin: {error}",
                code=Code.DATA,
                key="data.path",
                value=str(self.folder),
            ) from None

    def _fingerprint(self) -> str:
        """Return a digest of the splits' sizes and ends, without reading them completely."""
        digest = hashlib.sha256()
        for split in SPLITS:
            tokens = self.windows[split].tokens
            digest.update(str(len(tokens)).encode() + tokens[:4096].tobytes())
            digest.update(tokens[-4096:].tobytes())
        return digest.hexdigest()

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Return shuffled batches of the training part."""
        return self._loader("train", self.order_seed)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Return batches of the validation part."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Tensor]:
        """Return batches of the test part."""
        return self._loader("test")

    def _loader(self, split: str, seed: int | None = None) -> DataLoader[Tensor]:
        trainer, windows = self.trainer, self.windows[split]
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        starts = Starts(windows, rank, world, seed)
        return DataLoader(windows, self.batch_size, sampler=starts)

    def decode(self, ids: list[int]) -> str | None:
        """Return the text of token ids; None if it is not known, as without a tokenizer."""
        if (self.folder / TOKENIZER).is_file():
            from quintet.data.sources.tokenizers_file import tokenizer_of

            return str(tokenizer_of(self.folder / TOKENIZER).decode(ids))
        if self.facts.get("vocabulary") == BYTES:
            return bytes(ids).decode("utf-8", "replace")
        return None

    def predict_dataloader(self) -> DataLoader[Tensor]:
        """Return evenly spaced prompts of the test part, in one batch."""
        test = self.windows["test"]
        tokens = test.tokens
        if not 1 < self.prompt <= len(tokens):
            raise UserError(
                f"is not from 2 to {len(tokens)}, the tokens of the test part",
                code=Code.OUT_OF_RANGE,
                key="data.prompt",
                value=self.prompt,
            )
        places = np.linspace(0, len(tokens) - self.prompt, self.prompts).astype(int)
        prompts = Windows(tokens, self.prompt - 1, test.vocabulary)
        found = [prompts[int(place)] for place in places]
        return DataLoader(found, len(found))  # type: ignore[arg-type]


def _plain(file: Path) -> Path:
    """Return a file's path; a pipe, which may never return anything, is refused.

    Raises:
        OSError: it is not a file.

    """
    if file.exists() and not file.is_file():
        raise OSError("it is not a regular file")
    return file


class PythonTopics(TokenFiles):
    """The language reference that Python's own `help()` shows, as bytes.

    The text comes with every Python (`pydoc_data.topics`, PSF licence) and differs a little from
    one version to the next. Topics repeat each other, so each paragraph is kept only at its
    first occurrence; then whole topics are split at random. Files are written once into the
    project's logs/, under a name that depends on the split, and shared by all runs.

    Args:
        val: share of the text held out for validation.
        test: share held out for the one final test.
        seed: of the split.
        length: as in `TokenFiles`, like the following ones.

    """

    def __init__(
        self,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 42,
        length: int = 256,
        batch_size: int = 32,
        order_seed: int = 42,
        prompt: int = 64,
        prompts: int = 8,
    ) -> None:
        super().__init__(str(TOPICS), length, batch_size, order_seed, prompt, prompts)
        self.texts = split_texts(topics(), (val, test), seed)
        digest = hashlib.sha256(SEPARATOR.to_bytes().join(self.texts.values())).hexdigest()
        self.folder = self.folder / digest[:16]

    def prepare_data(self) -> None:
        """Write the files, unless they exist; other processes may write them at the same time."""
        if (self.folder / ABOUT).exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=self.folder.parent))
        sizes = {split: len(text) for split, text in self.texts.items()}
        for split, text in self.texts.items():
            (place / f"{split}.bin").write_bytes(text)
        about = {"dtype": "uint8", "vocabulary": 256, "bytes": sizes}
        write_json(place / ABOUT, about)
        try:
            place.rename(self.folder)
        except OSError:  # another process was faster, with the same files
            shutil.rmtree(place)
            if not (self.folder / ABOUT).exists():
                raise


def topics() -> list[bytes]:
    """Return the topics of Python's help, without paragraphs that occur in an earlier one."""
    from pydoc_data.topics import topics as texts

    seen: set[str] = set()
    found = []
    for _, text in sorted(texts.items()):
        paragraphs = [p for p in text.split("\n\n") if p.strip() and p.strip() not in seen]
        seen.update(p.strip() for p in paragraphs)
        found.append("\n\n".join(paragraphs).encode())
    return [text for text in found if text]


def split_texts(texts: Sequence[bytes], shares: Sequence[float], seed: int) -> dict[str, bytes]:
    """Split whole texts at random; each held-out part ends once it holds its share of the bytes.

    Args:
        texts: at least three.
        shares: shares of validation and test.
        seed: of the order.

    Returns:
        the texts of each part, joined.

    """
    order = np.random.default_rng(seed).permutation(len(texts))
    left = [texts[i] for i in order]
    total, parts = sum(map(len, texts)), {}
    for split, share in zip(("val", "test"), shares, strict=True):
        part: list[bytes] = []
        while left and sum(map(len, part)) < share * total:
            part.append(left.pop())
        parts[split] = part
    parts["train"] = left
    separator = SEPARATOR.to_bytes()
    return {split: separator.join(parts[split]) for split in SPLITS}
