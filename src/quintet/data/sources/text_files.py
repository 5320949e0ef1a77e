"""The user's own text for language models: read by `datasets`, tokenised once into token files."""

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.base.files import write_json
from quintet.base.paths import expand_home
from quintet.data.sources.frames import files_at
from quintet.data.sources.parts import part_of
from quintet.data.sources.shard_files import literally, understood
from quintet.data.sources.token_files import ABOUT, SEPARATOR, SPLITS, TOKENIZER, TokenFiles
from quintet.data.sources.tokenizers_file import (
    required,
    tokenizer_of,
    tokenizing,
    vocabulary_of,
)

FORMATS = {".txt": "text", ".md": "text", ".json": "json", ".jsonl": "json", ".parquet": "parquet",
           ".csv": "csv"}  # fmt: skip
CACHE = paths.ROOT / "logs" / "data" / "texts"
ENDS = ("<|endoftext|>", "<eos>", "</s>", "<|end_of_text|>", "[SEP]")
"""Tokens that usually end a document."""


class TextFiles(TokenFiles):
    """Local text files as token files for language models.

    Documents are the rows of parquet, csv and json files, and the paragraphs of plain text; they
    are read one by one (`datasets`, streaming), so that the text may be larger than memory. Files
    whose names or folders contain train, val or test keep their parts; otherwise documents are
    assigned at random. Token files are written once for each text, tokenizer and split.

    Args:
        path: a folder, a pattern such as 'texts/*.jsonl', or one file.
        tokenizer: a Hugging Face `tokenizer.json`, or a folder with one; None for bytes.
        column: column of the text, for tables.
        end: token appended to each document; None for a usual one.
        val: share of the documents held out for validation.
        test: share held out for the one final test.
        seed: of the split.
        cache: folder of the token files; None for the project's logs/.
        length: as in `TokenFiles`, like the following ones.

    Raises:
        UserError: no such files, no such column, or a part without a document.

    """

    def __init__(
        self,
        path: str,
        tokenizer: str | None = None,
        column: str = "text",
        end: str | None = None,
        val: float = 0.1,
        test: float = 0.1,
        seed: int = 42,
        cache: str | None = None,
        length: int = 256,
        batch_size: int = 32,
        order_seed: int = 42,
        prompt: int = 64,
        prompts: int = 8,
    ) -> None:
        place = Path(cache) if cache else CACHE
        super().__init__(str(place), length, batch_size, order_seed, prompt, prompts)
        self.root, self.files, self.column = expand_home(path), text_files(path), column
        self.shares, self.seed = {"val": val, "test": test}, seed
        self.tokenizer = _tokenizer_file(tokenizer)
        self.tokens = Tokens.of(self.tokenizer, end)
        self.folder = place / self._key()

    def _key(self) -> str:
        """Return a digest of text, tokenizer and split."""
        stats = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in self.files]
        digest = hashlib.sha256(repr((stats, self.column, self.shares, self.seed)).encode())
        digest.update(repr(self.tokens.end).encode())
        if self.tokenizer is not None:
            digest.update(self.tokenizer.read_bytes())
        return digest.hexdigest()[:16]

    def prepare_data(self) -> None:
        """Write the token files, unless they exist; others may write them at the same time."""
        if (self.folder / ABOUT).exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=self.folder.parent))
        try:
            self._write(place)
            place.rename(self.folder)
        except OSError:
            if not (self.folder / ABOUT).exists():  # else another process was faster
                raise
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _write(self, place: Path) -> None:
        counts = Counter[str]()
        parts = {split: (place / f"{split}.bin").open("wb") for split in SPLITS}
        try:
            for split, text in self._documents():
                counts[split] += self.tokens.write(text, parts[split])
        finally:
            for file in parts.values():
                file.close()
        if empty := [split for split in SPLITS if not counts[split]]:
            raise UserError(
                f"has no document for {empty[0]}",
                code=Code.DATA,
                key="data.path",
                value=str(self.files[0].parent),
                hint="Give more documents, a larger data.val and data.test, or a file for each "
                "part: train.jsonl, val.jsonl, test.jsonl.",
            )
        about = {"dtype": self.tokens.dtype, "vocabulary": self.tokens.vocabulary}
        write_json(place / ABOUT, {**about, "bytes": dict(counts)})
        if self.tokenizer is not None:
            shutil.copyfile(self.tokenizer, place / TOKENIZER)

    def _documents(self) -> Iterator[tuple[str, str]]:
        """Yield the part and the text of each document."""
        named = {file: _part(file, self.root) for file in self.files}
        drawn = np.random.default_rng(self.seed)
        lacking = [split for split in SPLITS if split not in named.values()]
        for file, part in named.items():
            for text in _texts(file, self.column):
                split = part or "train"
                if split == "train" and text:
                    chance = float(drawn.random())
                    for held_out in ("val", "test"):
                        if held_out in lacking:
                            chance -= self.shares[held_out]
                            if chance < 0:
                                split = held_out
                                break
                if text:
                    yield split, text


@dataclass(frozen=True)
class Tokens:
    """How a text is converted to token ids.

    Args:
        encode: returns the ids of a text.
        vocabulary: number of ids.
        end: id after each document; None for none.
        by_byte: whether ids are bytes.

    """

    encode: Callable[[str], Any] = field(repr=False)
    vocabulary: int
    end: int | None
    by_byte: bool = False

    @classmethod
    def of(cls, file: Path | None, end: str | None) -> "Tokens":
        """Return the encoding of a tokenizer's file, or bytes without one.

        Raises:
            UserError: the file is not a tokenizer, or `end` is not one of its tokens.

        """
        if file is None:
            return cls(lambda text: list(text.encode()), 256, SEPARATOR, by_byte=True)
        made = tokenizer_of(file)
        known = [each for each in ((end,) if end else ENDS) if made.token_to_id(each) is not None]
        if end and not known:
            raise UserError("is not a token", code=Code.UNKNOWN_NAME, key="data.end", value=end)
        found = made.token_to_id(known[0]) if known else None

        def encode(text: str) -> Any:
            with tokenizing(file):
                return made.encode(text, add_special_tokens=False).ids

        return cls(encode, vocabulary_of(made, file), found)

    @property
    def dtype(self) -> str:
        """Type of the ids in a file."""
        return str(np.min_scalar_type(max(self.vocabulary - 1, 1)))

    def write(self, text: str, file: IO[bytes]) -> int:
        """Append a document's ids to a file; return the number of bytes of its text."""
        ids = [*self.encode(text), *([] if self.end is None else [self.end])]
        file.write(np.asarray(ids, dtype=self.dtype).tobytes())
        return len(text.encode()) + self.by_byte


def text_files(path: str) -> list[Path]:
    """Return the text files of a folder, of a pattern, or the one file.

    Raises:
        UserError: there are none, or one with an unknown extension.

    """
    found = files_at(path, tuple(FORMATS))
    odd = [file for file in found if file.suffix.lower() not in FORMATS]
    if found and not odd:
        return found
    raise UserError(
        f"cannot be read: {odd[0].name}" if odd else "has no text files",
        code=Code.DATA if odd else Code.NOT_FOUND,
        key="data.path",
        value=path,
        allowed=[f"*{ending}" for ending in FORMATS],
    )


def _tokenizer_file(given: str | None) -> Path | None:
    if given is None:
        return None
    place = expand_home(given)
    file = place / TOKENIZER if place.is_dir() else place
    if not file.is_file():
        raise UserError(
            "has no tokenizer.json",
            code=Code.NOT_FOUND,
            key="data.tokenizer",
            value=given,
            hint="Tokenizers are read from local files: tokenizer.save_pretrained(<folder>).",
        )
    return file


def _part(file: Path, root: Path) -> str | None:
    """Return the part named by a file, or else by a folder below the root."""
    folders = file.parent.relative_to(root).parts if file.parent.is_relative_to(root) else ()
    parts = (part_of(name) for name in (file.stem, *reversed(folders)))
    return next((SPLITS[part] for part in parts if part is not None), None)


def _texts(file: Path, column: str) -> Iterator[str]:
    """Yield the documents of a file."""
    datasets = required("datasets")
    kind = FORMATS[file.suffix.lower()]
    more = {"sample_by": "paragraph"} if kind == "text" else {}
    name = "text" if kind == "text" else column
    with tempfile.TemporaryDirectory() as cache:  # there may be no home folder, the usual place
        with understood(file, kind):
            read = datasets.load_dataset(
                kind,
                data_files=literally([file]),
                split="train",
                streaming=True,
                cache_dir=cache,
                **more,
            )
        yield from _cells(iter(read), name, file, kind)


def _cells(rows: Iterator[dict[str, Any]], column: str, file: Path, kind: str) -> Iterator[str]:
    """Yield the cells of a column."""
    while True:
        with understood(file, kind):
            if (row := next(rows, None)) is None:
                return
        if column not in row:
            raise UserError(
                f"is not a column of {file}",
                code=Code.UNKNOWN_NAME,
                key="data.column",
                value=column,
                allowed=[*row],
            )
        yield str(row[column] or "").strip()
