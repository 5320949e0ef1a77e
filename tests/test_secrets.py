import pytest

from quintet import secrets


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(secrets, "_known", {})


def test_a_noted_value_becomes_its_reference(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "correct-horse")
    secrets.note("url: postgres://me:${oc.env:DATABASE_PASSWORD}@host")
    text = secrets.redact("cannot reach postgres://me:correct-horse@host")
    assert text == "cannot reach postgres://me:${oc.env:DATABASE_PASSWORD}@host"


def test_of_two_values_the_longer_goes_first(monkeypatch):
    monkeypatch.setenv("SHORT", "secret")
    monkeypatch.setenv("LONG", "secret-and-more")
    secrets.note("a: ${oc.env:SHORT}\nb: ${oc.env:LONG}")
    assert secrets.redact("secret-and-more") == "${oc.env:LONG}"


def test_what_is_no_secret_stays_readable(monkeypatch):
    monkeypatch.setenv("PROJECT_ROOT", "/home/me/project")
    monkeypatch.setenv("WORKERS", "2")
    secrets.note("root: ${oc.env:PROJECT_ROOT}\nworkers: ${oc.env:WORKERS}")
    assert secrets.redact("/home/me/project/logs has 2 runs") == "/home/me/project/logs has 2 runs"


@pytest.mark.parametrize(
    "argument",
    ["api_key=abc", "+logger.comet.api_key=abc", "++db.password=abc", "a.hf_token=abc"],
)
def test_a_secret_in_clear_is_noticed(argument):
    assert secrets.typed_in_clear(["seed=1", argument]) == argument.lstrip("+").split("=")[0]


@pytest.mark.parametrize(
    "argument",
    ["model.pad_token=3", "data.tokens=5", "a.token='${oc.env:T}'", "a.token=null", "--help"],
)
def test_what_is_no_secret_in_clear_passes(argument):
    assert secrets.typed_in_clear([argument]) is None
