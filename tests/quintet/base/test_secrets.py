"""Known secrets are replaced by their references, in whatever form they are written."""

import base64
import html
import json
from urllib.parse import quote

import pytest

from quintet.base import secret_rules, secrets
from usual import every


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(secrets, "_known", {})
    monkeypatch.setattr(secrets, "_secret", set())
    secrets._pattern.cache_clear()
    yield
    secrets._pattern.cache_clear()


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


def test_what_is_not_a_secret_stays_readable(monkeypatch):
    monkeypatch.setenv("PROJECT_ROOT", "/home/me/project")
    monkeypatch.setenv("WORKERS", "2")
    secrets.note("root: ${oc.env:PROJECT_ROOT}\nworkers: ${oc.env:WORKERS}")
    assert secrets.redact("/home/me/project/logs has 2 runs") == "/home/me/project/logs has 2 runs"


HARD = "ca/n:a@r?y%4 7\"1'1&é[b]"
"""A password with all characters that some encoding escapes."""
ENCODINGS = {
    "plain": lambda value: f"<{value}>",
    "json": lambda value: json.dumps({"a": value}),
    "json in utf-8": lambda value: json.dumps({"a": value}, ensure_ascii=False),
    "repr": lambda value: repr(ValueError(value)),
    "html": lambda value: f"<p>{html.escape(value)}</p>",
    "address": lambda value: f"http://me:{quote(value, safe='')}@host",
    "address in lower case": lambda value: f"http://me:{quote(value, safe='').lower()}@host",
    "path": lambda value: f"http://host/{quote(value)}",
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "header": lambda value: base64.b64encode(f"me:{value}".encode()).decode(),
    "header of others": lambda value: base64.b64encode(f"you:{value}!!".encode()).decode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_secret_is_found_in_every_form(encoding, monkeypatch):
    monkeypatch.setenv("STORE_PASSWORD", HARD)
    secrets.note("uri: http://me:${oc.env:STORE_PASSWORD}@host")
    shown = secrets.redact(ENCODINGS[encoding](HARD))
    assert "${oc.env:STORE_PASSWORD}" in shown
    assert "4 7" not in shown
    assert "4%207" not in shown
    for part in ("ca/n", "ca%2fn"):
        assert part not in shown.lower()


@pytest.mark.parametrize("password", ["abc/def", "abc@def", "abc:def", "abc?def", "abc#def"])
def test_a_library_that_takes_a_password_apart_shows_no_part_of_it(password, monkeypatch):
    """As urllib: Port could not be cast to integer value as 'abc'."""
    monkeypatch.setenv("STORE_PASSWORD", password)
    secrets.note("uri: http://me:${oc.env:STORE_PASSWORD}@host")
    shown = secrets.redact("no port 'abc' in http://me:abc, host DEF unknown")
    assert "abc" not in shown
    assert "DEF" not in shown


def test_the_password_of_an_address_in_the_environment_is_a_secret_of_its_own(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter/2@host/db")
    secrets.note("storage: ${oc.env:DATABASE_URL}")
    assert "hunter" not in secrets.redact("authentication of me with hunter/2 failed; hunter?")


def test_every_line_of_a_key_is_one(monkeypatch):
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "-----END-----"]
    monkeypatch.setenv("SSH_KEY", "\n".join(lines))
    secrets.note("private_key: ${oc.env:SSH_KEY}")
    for text in ("\n".join(lines), json.dumps("\n".join(lines)), f"  {lines[2]}"):
        assert "hkiG9w0BAQEFAASC" not in secrets.redact(text)


@pytest.mark.parametrize(
    ("value", "shown", "same"),
    [
        ("pwx", "login pwx failed", "a pwxy and a spwx"),
        ("1234", "http://me:1234@host and 'password': '1234'", '{"parameters": 1234, "x": 0.1234}'),
        ("true", "password=true", '{"test": true}, debug is true'),
    ],
)
def test_a_short_secret_stands_for_itself_alone(value, shown, same, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", value)
    secrets.note("password: ${oc.env:DB_PASSWORD}")
    assert value not in secrets.redact(shown)
    assert secrets.redact(same) == same


def test_secrets_of_the_environment_need_no_reference(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("PGPASSWORD", "postgres")
    monkeypatch.setenv("PWD", "/somewhere/long")
    secrets.note_environment()
    assert secrets.redact("key 0123456789abcdef") == "key ${oc.env:WANDB_API_KEY}"
    same = "postgres listens in /somewhere/long"
    assert secrets.redact(same) == same


def test_json_stays_json_whatever_the_password(monkeypatch):
    """Somebody's password may be a word of ours, and a name of a field."""
    monkeypatch.setenv("DB_PASSWORD", "status")
    secrets.note("password: ${oc.env:DB_PASSWORD}")
    text = json.dumps({"status": "no status", "a": [1, 'x"y status']}, indent=2)
    hidden = "${oc.env:DB_PASSWORD}"
    assert json.loads(secrets.redact_json(text)) == {
        "status": f"no {hidden}",
        "a": [1, f'x"y {hidden}'],
    }


def test_a_place_is_not_a_secret_in_files_that_are_read_again(monkeypatch):
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    secrets.note("logs: ${oc.env:SCRATCH}/logs")
    assert secrets.redact("/scratch/me/logs", places=False) == "/scratch/me/logs"
    assert secrets.redact("/scratch/me/logs") == "${oc.env:SCRATCH}/logs"


def test_a_reference_stays_whole_whatever_the_secret(monkeypatch):
    monkeypatch.setenv("SSH_KEY", "env/KEY")
    secrets.note("private_key: ${oc.env:SSH_KEY}")
    assert (
        secrets.redact("${oc.env:SSH_KEY} is env/KEY") == "${oc.env:SSH_KEY} is ${oc.env:SSH_KEY}"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hydra.launcher.setup", "export WANDB_API_KEY=hunter2"),
        ("note", "curl --password hunter2"),
        ("note", "--api-key='hunter2' more"),
        ("headers", "X-Api-Key: hunter2hunter"),
        ("headers", "Authorization: Bearer hunter2hunter"),
        ("env.PGPASSWORD", "hunter2"),
        ("env.KAGGLE_KEY", "0123456789abcdef0123456789abcdef"),
        ("url", "https://host/#access_token=hunter2"),
        ("pw", "hunter2"),
    ],
)
def test_a_secret_inside_a_text_or_under_an_odd_key(key: str, value: str) -> None:
    assert any("hunter2" in s or s in value for _, s in secret_rules.found({key: value}))


@pytest.mark.parametrize("text", ["my auth: see docs", "sort_key=name", "token: <pad>", "a=b"])
def test_prose_is_not_a_secret(text: str) -> None:
    assert not [*secret_rules.found({"note": text, "sort_key": "customer"})]


@pytest.mark.parametrize(
    "unit",
    every(3, ["a", "a-", "ey-", "sk-", "a://", "a://b:", "xoxb-", "pypi-AgEI-", "${oc.env:a,"]),
)
def test_a_long_text_is_searched_in_linear_time(unit: str) -> None:
    """Quadratic patterns would take minutes; the suite's own limit on a test would end them."""
    text = unit * (1_000_000 // len(unit))
    secret_rules.in_clear("note", text)
    secrets.KEYED.findall(text)
