"""Token files are read as packed sequences, each token once per epoch, by several processes too."""

import json
import os

import numpy as np
import pytest

from quintet.base.errors import Code, UserError
from quintet.data.sources.token_files import (
    PythonTopics,
    Starts,
    TokenFiles,
    Windows,
    split_texts,
    topics,
)
from refusals import Refusal

ABOUT = {"dtype": "uint16", "vocabulary": 1000, "bytes": {"val": 84}}


def written(folder, about=ABOUT, count=42):
    for split in ("train", "val", "test"):
        np.arange(count, dtype="uint16").tofile(folder / f"{split}.bin")
    (folder / "tokens.json").write_text(json.dumps(about))
    return TokenFiles(str(folder), length=10, batch_size=3, prompt=5, prompts=2)


def loaded(folder, **changes):
    data = written(folder, **changes)
    data.setup("fit")
    return data


def test_held_out_parts_are_read_from_their_beginning_without_gaps(tmp_path):
    first, second = loaded(tmp_path).val_dataloader()
    assert first.shape == (3, 11)
    assert [row[0].item() for row in (*first, *second)] == [0, 10, 20, 30]
    assert first[0].tolist() == [*range(11)]  # the last one is predicted, and begins the next


def test_facts_are_those_of_the_files(tmp_path):
    facts = loaded(tmp_path).facts
    assert (facts["input_shape"], facts["vocabulary"]) == ([10], 1000)
    assert facts["tokens_per_byte"] == {"val": 0.5}


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary": "1000"},
        {"vocabulary": float("inf")},
        {"vocabulary": 10**30},
        {"vocabulary": -1},
        {"bytes": {"val": 0}},
        {"bytes": {"../x": 3}},
        {"bytes": "many"},
        {"dtype": "object"},
        {"dtype": ["uint16"]},
    ],
)
def test_a_description_that_cannot_be_is_refused(tmp_path, change):
    with Refusal(Code.DATA, "data.path"):
        loaded(tmp_path, about={**ABOUT, **change})


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", '"a"', "\x00"])
def test_what_describes_nothing_is_refused(tmp_path, text):
    data = written(tmp_path)
    (tmp_path / "tokens.json").write_text(text)
    with Refusal(Code.DATA, "data.path"):
        data.setup("fit")


def test_a_token_that_is_not_of_the_vocabulary_is_refused_and_not_looked_up(tmp_path):
    with Refusal(Code.DATA, match="The token 40 ") as caught:
        [*loaded(tmp_path, about={**ABOUT, "vocabulary": 40}).val_dataloader()]
    assert caught.value.code is Code.DATA
    negative = Windows(np.array([3, -1, 4]), 2, 1000)
    with Refusal(Code.DATA, match="The token -1 ") as caught:
        negative[0]
    assert caught.value.code is Code.DATA


@pytest.mark.parametrize("prompt", [0, 1, 43])
def test_a_prompt_is_of_the_test_part(tmp_path, prompt):
    data = loaded(tmp_path)
    data.prompt = prompt
    with pytest.raises(UserError) as caught:
        data.predict_dataloader()
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "data.prompt")


def test_an_epoch_has_an_order_and_an_offset_of_its_own_that_repeat(tmp_path):
    windows = Windows(np.arange(45), 10)

    def epoch(number):
        starts = Starts(windows, 0, 1, 7)
        starts.set_epoch(number)
        return [*starts]

    assert epoch(3) == epoch(3)
    assert len({tuple(epoch(number)) for number in range(4)}) == 4
    for number in range(4):
        offset = min(epoch(number))
        assert sorted(epoch(number)) == [offset + 10 * i for i in range(4)]
        assert offset + 40 < 45


@pytest.mark.parametrize("seed", [None, 7])
def test_processes_share_the_sequences(seed):
    windows = Windows(np.arange(51), 10)
    parts = [[*Starts(windows, rank, 2, seed)] for rank in (0, 1)]
    assert not {*parts[0]} & {*parts[1]}
    assert [len(part) for part in parts] == ([3, 2] if seed is None else [2, 2])


def test_prompts_come_from_all_over_the_test_part(tmp_path):
    (prompts,) = loaded(tmp_path).predict_dataloader()
    assert prompts.tolist() == [[0, 1, 2, 3, 4], [37, 38, 39, 40, 41]]


@pytest.mark.parametrize(
    "about", [{"vocabulary": 3}, {"dtype": "object", "vocabulary": 3}, {"dtype": "uint16"}, []]
)
def test_a_file_about_the_tokens_that_cannot_be_used_is_refused(tmp_path, about):
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, about=about)
    assert (refused.value.code, refused.value.key) == (Code.DATA, "data.path")


def test_a_text_shorter_than_a_sequence_is_refused(tmp_path):
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, count=9)
    assert refused.value.key == "data.length"


def test_a_folder_without_files_is_refused(tmp_path):
    written(tmp_path)
    (tmp_path / "val.bin").unlink()
    with pytest.raises(UserError) as refused:
        TokenFiles(str(tmp_path), length=10).setup("fit")
    assert refused.value.key == "data.path"


def test_no_paragraph_of_pythons_topics_is_in_two_parts():
    parts = split_texts(topics(), (0.1, 0.1), 42)
    paragraphs = {
        split: {*text.replace(b"\0", b"\n\n").split(b"\n\n")} for split, text in parts.items()
    }
    assert not paragraphs["train"] & (paragraphs["val"] | paragraphs["test"])
    assert not paragraphs["val"] & paragraphs["test"]
    total = sum(map(len, parts.values()))
    assert all(0.1 <= len(parts[split]) / total < 0.3 for split in ("val", "test"))


def test_pythons_topics_are_written_once_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr("quintet.data.sources.token_files.TOPICS", tmp_path / "deep" / "topics")
    first = PythonTopics(length=64)
    first.prepare_data()
    written = {p: p.stat().st_mtime_ns for p in first.folder.iterdir()}
    again = PythonTopics(length=64)
    again.prepare_data()
    again.setup("fit")
    assert {p: p.stat().st_mtime_ns for p in again.folder.iterdir()} == written
    assert bytes(again.windows["test"].tokens) == again.texts["test"]
    assert [*first.folder.parent.iterdir()] == [first.folder]  # nothing temporary is left
    assert PythonTopics(seed=1).folder != first.folder


@pytest.mark.parametrize("name", ["tokens.json", "train.bin"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    data = written(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="not a regular file") as refused:
        data.setup("fit")
    assert refused.value.key == "data.path"


def test_a_sequence_has_a_token(tmp_path):
    written(tmp_path)
    with pytest.raises(UserError) as refused:
        TokenFiles(str(tmp_path), length=0).setup("fit")
    assert (refused.value.code, refused.value.key) == (Code.OUT_OF_RANGE, "data.length")
