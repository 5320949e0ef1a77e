"""YAML from anywhere: plain data within limits."""

import math

import pytest
from omegaconf import OmegaConf

from quintet.base import plain_yaml
from quintet.base.errors import Code, UserError
from refusals import Refusal
from running import CONFIGS

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_config_reads_as_omegaconf_reads_it(path):
    text = path.read_text()
    assert plain_yaml.parse(text, path) == OmegaConf.to_container(OmegaConf.load(path)) or not text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e4", 1e4),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_numbers_and_dates(text, value):
    assert plain_yaml.parse(f"a: {text}", "x") == {"a": value}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAUGHS, "alias"),
        ("a: " + "[" * 100_000, "levels"),
        ("{a: " * 100_000, "levels"),
        ("a: [" + "1," * 300_000 + "]", "more than 200,000 values"),
        ("a: " + "1:" * 500_000 + "1", "digits"),
        ("a: " + "9" * 10_000, "digits"),
        ("a: !!python/object/apply:os.mkdir [pwned]", "tag"),
        ("a: !!timestamp 2026-01-01", "tag"),
        (": : [", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
    ],
    ids=[
        "alias",
        "lists",
        "dicts",
        "values",
        "sexagesimal",
        "digits",
        "python",
        "tag",
        "no",
        "zero",
    ],
)
def test_what_grows_or_is_not_plain_data_is_refused(text, says):
    with pytest.raises(UserError, match=says) as refused:
        plain_yaml.parse(text, "config.yaml")
    assert refused.value.code is (Code.NOT_TRUSTED if says in ("alias", "tag") else Code.DAMAGED)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"a" * (5 << 20), Refusal(Code.DAMAGED, match="larger")),
        (b"\xff\xfe\xfa", Refusal(Code.DAMAGED, match="not valid YAML")),
        (b"[1]", Refusal(Code.DAMAGED, match="list")),
    ],
)
def test_a_file_that_is_not_a_config_is_refused(tmp_path, content, refusal):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with refusal as refused:
        plain_yaml.mapping(plain_yaml.text(path), path)
    assert refused.value.code is Code.DAMAGED


def test_an_own_config_is_read_again_when_it_has_changed(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("fits: [table]\nrate: 1e-3\n", "utf-8")
    first = plain_yaml.own_config(path)
    assert first == {"fits": ["table"], "rate": 1e-3}
    assert plain_yaml.own_config(path) is first
    path.write_text("fits: [table, image]\n", "utf-8")
    assert plain_yaml.own_config(path) == {"fits": ["table", "image"]}
    path.write_text("# nothing yet\n", "utf-8")
    assert plain_yaml.own_config(path) == {}


@pytest.mark.parametrize(
    "content", ["a: " + "x" * plain_yaml.LARGEST, "[" + "1," * plain_yaml.MOST + "]"]
)
def test_what_would_not_be_read_again_is_refused_before_it_is_written(content: str) -> None:
    with pytest.raises(UserError) as error:
        plain_yaml.check_size(content, "config.yaml")
    assert error.value.code is Code.DAMAGED
