"""Earlier names of options still work, and the current one is printed."""

import pytest

from quintet.base import paths
from quintet.config import renamed_options
from quintet.config.error_messages import as_user_error


@pytest.mark.parametrize(
    ("typed", "now"),
    [
        ("data=texts", "data=labelled_texts"),
        ("data=text_files", "data=corpus"),
        ("data=digits,texts", "data=digits,labelled_texts"),
        ("data=choice(texts,wine)", "data=choice(labelled_texts,wine)"),
    ],
)
def test_what_was_typed_before_means_what_it_meant(
    typed: str, now: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renamed_options.with_current_options([typed]) == [now]
    assert f"{typed} has another name now: {now}" in capsys.readouterr().out


def test_other_words_stay(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data=digits", "data.path=texts", "model=texts", "-m", "study=texts"]
    assert renamed_options.with_current_options(words) == words
    assert capsys.readouterr().out == ""


def test_a_fork_may_have_an_option_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "options", lambda group: {"texts": None})
    assert renamed_options.with_current_options(["data=texts"]) == ["data=texts"]


def test_every_current_name_is_an_option_and_no_earlier_one_is() -> None:
    for group, names in renamed_options.RENAMED.items():
        assert {*names.values()} <= {*paths.options(group)}
        assert not {*names} & {*paths.options(group)}


def test_a_preset_that_names_an_earlier_one_is_reported(tmp_path) -> None:
    from hydra import compose, initialize_config_dir
    from hydra.errors import MissingConfigException

    configs = initialize_config_dir(str(paths.CONFIGS), version_base="1.3")
    with configs, pytest.raises(MissingConfigException) as caught:
        compose("train", ["data=texts"])
    assert "now labelled_texts" in str(as_user_error(caught.value))
