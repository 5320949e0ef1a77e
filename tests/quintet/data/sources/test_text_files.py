"""Texts of one's own as token files, by bytes or by a local tokenizer."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs
from quintet.base.errors import Code, UserError
from quintet.data.sources.text_files import TextFiles, text_files
from refusals import Refusal

pytest.importorskip("datasets")
tokenizers = pytest.importorskip("tokenizers")

TEXTS = [f"The {n}. story: a fox of {n} years goes home, again." for n in range(60)]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer of 300 tokens, trained on the texts."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXTS,
        tokenizers.trainers.BpeTrainer(
            vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet
        ),
    )
    (tmp_path / "tokenizer").mkdir()
    made.save(str(tmp_path / "tokenizer" / "tokenizer.json"))
    return tmp_path / "tokenizer"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    lines = (json.dumps({"id": i, "story": text}) for i, text in enumerate(TEXTS))
    (tmp_path / "stories.jsonl").write_text("\n".join(lines))
    return tmp_path / "stories.jsonl"


def prepared(path: object, cache: Path, **options: Any) -> TextFiles:
    data = TextFiles(str(path), cache=str(cache), **{"length": 16, "prompt": 8, **options})
    data.prepare_data()
    data.setup("fit")
    return data


def documents(data: TextFiles, split: str) -> list[str]:
    """Return the texts that the token file of a split holds."""
    ids, end = data.windows[split].tokens, data.tokens.end
    pieces = np.split(ids, np.flatnonzero(ids == end) + 1)
    return [str(data.decode(piece[:-1].tolist())) for piece in pieces if len(piece)]


@pytest.mark.parametrize("by_tokenizer", [False, True])
def test_every_document_is_in_one_part(
    rows: Path, tokenizer: Path, tmp_path: Path, by_tokenizer: bool
) -> None:
    given = {"tokenizer": str(tokenizer)} if by_tokenizer else {}
    data = prepared(rows, tmp_path / "cache", column="story", **given)
    found = [documents(data, split) for split in ("train", "val", "test")]
    assert sorted(text for part in found for text in part) == sorted(TEXTS)
    assert len(found[0]) > 40
    per_byte = data.facts["tokens_per_byte"]["train"]
    assert (per_byte < 0.5) if by_tokenizer else (per_byte == 1)
    assert data.facts["vocabulary"] == (300 if by_tokenizer else 256)


def test_files_named_after_parts_keep_them(tmp_path: Path) -> None:
    for name, first, last in (("train", 0, 40), ("valid", 40, 50), ("test", 50, 60)):
        (tmp_path / f"{name}.txt").write_text("\n\n".join(TEXTS[first:last]))
    data = prepared(tmp_path, tmp_path / "cache")
    assert documents(data, "val") == TEXTS[40:50]
    assert documents(data, "test") == TEXTS[50:]


def test_what_is_written_once_is_read_again(rows: Path, tmp_path: Path) -> None:
    first = prepared(rows, tmp_path / "cache", column="story")
    written = (first.folder / "train.bin").stat().st_mtime_ns
    again = prepared(rows, tmp_path / "cache", column="story")
    assert (again.folder / "train.bin").stat().st_mtime_ns == written
    assert prepared(rows, tmp_path / "cache", column="story", seed=1).folder != first.folder


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"column": "tale"}, Code.UNKNOWN_NAME),
        ({"column": "story", "val": 0.0}, Code.DATA),
        ({"column": "story", "tokenizer": "nowhere"}, Code.NOT_FOUND),
    ],
)
def test_what_cannot_be_is_named(rows: Path, tmp_path: Path, options: Any, code: Code) -> None:
    with pytest.raises(UserError) as error:
        prepared(rows, tmp_path / "cache", **options)
    assert error.value.code is code
    assert not list((tmp_path / "cache").glob("*")) or code is Code.NOT_FOUND


def test_a_broken_tokenizer_and_unknown_files_are_refused(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with Refusal(Code.DAMAGED, "data.tokenizer"):
        prepared(rows, tmp_path / "cache", tokenizer=str(tmp_path / "tokenizer.json"))
    for path in (tmp_path / "nowhere", tmp_path / "*.exe"):
        with pytest.raises(UserError) as error:
            text_files(str(path))
        assert error.value.code is Code.NOT_FOUND


def test_a_language_model_learns_them_and_predicts_text(
    rows: Path, tokenizer: Path, tmp_path: Path
) -> None:
    words = ("module=language_model", "model.width=16", "model.heads=2", "model.depth=1")
    data = ("data=corpus", f"data.path={rows}", "data.column=story", "data.length=16")
    more = (f"data.tokenizer={tokenizer}", f"data.cache={tmp_path / 'cache'}", "data.prompt=8")
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.logs={tmp_path}", "trainer=cpu")
    quiet = ("callbacks.progress=null", "trainer.max_epochs=2", "module.new_tokens=4")
    runs.train(None, *words, *data, *more, *place, *quiet)
    found = runs.record(tmp_path / "run")
    assert found["test"]["bits_per_byte"] > 0
    assert not found["anomalies"]
    assert "continuation" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("name", ["a[1]", "a*", "ü 😀"])
def test_names_are_none_of_patterns(tmp_path: Path, name: str) -> None:
    text = "\n\n".join(TEXTS)
    place = tmp_path / name
    place.mkdir()
    (place / f"{name}.txt").write_text(text)
    (place / "a1.txt.bak").write_text("another")
    whole = sum(len(w.tokens) for w in prepared(place, tmp_path / "cache").windows.values())
    (place / "a1.txt.bak").rename(place / "a1.txt")  # what the pattern a[1].txt stands for
    data = prepared(place / f"{name}.txt", tmp_path / "other")
    assert sum(len(w.tokens) for w in data.windows.values()) == whole > 1000


def test_what_datasets_takes_for_an_address_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a::b.txt").write_text("\n\n".join(TEXTS))
    with pytest.raises(UserError, match="treats as a URL"):
        prepared(tmp_path / "a::b.txt", tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"a paragraph\n\n\xff\xfe"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "b'),
        ("a.json", b"5"),
        ("a.csv", b'text\n"abc\n'),
        ("a.parquet", b"PAR1 no more PAR1"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / name} cannot be read")) as error:
        prepared(tmp_path, tmp_path / "cache")
    assert error.value.code is Code.DAMAGED
    assert not list((tmp_path / "cache").iterdir())


def words_at(ids: dict[str, int], **more: Any) -> str:
    """Return a tokenizer.json of whole words."""
    model = {"type": "WordLevel", "vocab": ids, "unk_token": "[UNK]"}
    whole = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}}
    return json.dumps({**whole, "model": model, **more})


def test_ids_may_be_left_out(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(words_at({"fox": 70_000, "[UNK]": 1}))
    given = {"column": "story", "length": 4, "tokenizer": str(tmp_path / "tokenizer.json")}
    data = prepared(rows, tmp_path / "cache", **given)
    assert data.facts["vocabulary"] == 70_001
    assert int(data.windows["train"].tokens.max()) == 70_000


SLOW = {"type": "Split", "behavior": "Isolated", "invert": False}
SLOW = {**SLOW, "pattern": {"Regex": "(a+)+$|(\\w+\\s?)+[!]"}}


@pytest.mark.parametrize(
    "content",
    [
        words_at({"fox": 2**32 - 1, "[UNK]": 1}),
        words_at({"fox": 0}),
        words_at({"fox": 0, "[UNK]": 1}, pre_tokenizer=SLOW),
    ],
    ids=["ids", "no word for the unknown", "a panic"],
)
def test_a_tokenizer_that_fails_at_work_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    (tmp_path / "a.txt").write_text("\n\n".join(f"{text} {'word ' * 40}" for text in TEXTS))
    with pytest.raises(UserError) as error:
        prepared(tmp_path / "a.txt", tmp_path / "cache", tokenizer=str(tmp_path / "tokenizer.json"))
    assert (error.value.code, error.value.key) == (Code.DAMAGED, "data.tokenizer")


def test_no_home_is_needed(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", Path("/proc/none"))
    assert documents(prepared(rows, tmp_path / "cache", column="story"), "train")
