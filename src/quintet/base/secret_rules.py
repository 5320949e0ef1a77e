r"""Rules that detect secrets by the name of their key, their form, or their position in a URL.

The names follow detect-secrets' keyword plugin and gitleaks' rule `generic-api-key`; the forms
follow gitleaks' rules for the same services (github.com/Yelp/detect-secrets,
github.com/gitleaks/gitleaks). Neither is imported: the check runs at every start, and a library
that scans files would take 0.2 s to load.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

PASSWORDS = {"password", "passwd", "passphrase", "passcode", "pwd", "passwort", "contrasena"}
"""Last words of a key whose value is a secret even if it is a number."""
RUN_ON = ("password", "passwd", "passphrase", "passwort")
"""Suffixes of a last word that is not separated, as in PGPASSWORD."""
SECRETS = {"secret", "credential", "creds", "cred", "auth", "authorization", "bearer", "jwt"}
SECRETS |= {"pw", "psw"}
JOINED = {"apikey", "accesskey", "secretkey", "privatekey", "authkey", "accesstoken", "authtoken"}
JOINED |= {"apitoken", "refreshtoken", "sessiontoken", "bearertoken", "clientsecret", "apisecret"}
JOINED |= {"dbpass", "userpass"}
KEYS = {"api", "access", "auth", "secret", "private", "priv", "account", "service", "client", "db"}
KEYS |= {"database", "encryption", "signing", "master", "license", "ssh", "storage", "shared"}
"""Words that make a following `key` a secret, ..."""
PASSES = {"db", "database", "user", "key", "admin", "root", "smtp", "ssh", "ftp", "proxy"}
"""... of a `pass`, ..."""
TOKENS = {"access", "api", "auth", "bearer", "bot", "csrf", "deploy", "github", "gitlab", "hf"}
TOKENS |= {"hub", "huggingface", "id", "jwt", "oauth", "personal", "private", "refresh", "secret"}
TOKENS |= {"service", "session", "slack", "user", "wandb"}
"""... and of a `token`."""
TEXTUAL = {"pad", "mask", "unk", "unknown", "eos", "bos", "cls", "sep", "start", "end", "stop"}
TEXTUAL |= {
    "special",
    "image",
    "audio",
    "class",
    "next",
    "prev",
    "first",
    "last",
    "max",
    "min",
    "num",
}
TEXTUAL |= {"per", "n", "extra", "register", "query", "prefix", "suffix", "sentinel", "boundary"}
"""A `token` after one of these is a text token; after other words its value decides."""
ENDINGS = {"value", "string", "str", "text", "plain", "base64", "b64"}
"""Words that may follow; a key ending in `file`, `path`, `name`, `env` or `url` is not a secret."""
BESIDE = {"user", "username", "name", "type", "kind", "method", "scheme", "host", "port", "region"}
BESIDE |= {"url", "uri", "path", "file", "realm", "email", "expires", "enabled"}
"""Keys that are not secrets inside a mapping such as `credentials`."""
HARMLESS = {"", "null", "none", "true", "false", "basic", "digest", "oauth", "oauth2", "anonymous"}
HARMLESS |= {"bearer", "kerberos", "ntlm", "default"}

FORMS = re.compile(
    r"-----BEGIN[ A-Z0-9_-]{0,40}PRIVATE KEY"
    r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"  # AWS
    r"|\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_\w{22,}"
    r"|\bglpat-[\w-]{20}"  # GitLab
    r"|\bhf_[A-Za-z0-9]{30,}\b"  # Hugging Face
    r"|(?<![\w-])sk-(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{20,}"  # OpenAI, Anthropic
    r"|(?<![\w-])xox[abeoprs]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/(?:services|workflows)/[\w+/]{20,}"
    r"|\bAIza[\w-]{35}"  # Google
    r"|\b[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10,}"  # Stripe
    r"|\bnpm_[0-9A-Za-z]{36}\b|(?<![\w-])pypi-AgEI[\w-]{40,}"
    r"|\bSG\.[\w-]{16,32}\.[\w-]{16,64}"  # SendGrid
    r"|\bdapi[a-f0-9]{32}\b"  # Databricks
    r"|\bhvs\.[\w-]{24,}"  # Vault
    r"|\bwandb_v1_[0-9A-Za-z_]{20,}"
    r"|(?<![\w-])ey[A-Za-z0-9_-]{15,}\.ey[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{8,}"  # JSON Web Token
)
USER = re.compile(
    r"(?<![\w+.-])([a-z][\w+.-]*)://([^\s:/@?#]*)(?::(?!\d{1,5}/)([^\s?#]*))?@",
    re.IGNORECASE,
)
"""Scheme, user and password of a URL; a password may contain an unescaped slash."""
QUERY = re.compile(r"[?&;#]([\w.-]+)=([^&;#\s'\"]+)")
SIGNED = {"sig", "signature", "xamzsignature", "xamzcredential", "xamzsecuritytoken"}
HEADER = re.compile(r"^(?:([A-Za-z][\w-]*):\s*)?((?:Bearer|Basic|Token)\s+)?(\S{8,})$")
DSN = re.compile(r"\b(?:password|passwd|pwd|accountkey)\s*=\s*([^\s;]+)", re.IGNORECASE)
"""In a connection string: `host=db password=...` or `Server=db;Pwd=...`."""
ASSIGNED = re.compile(
    r"""(?:(?<![\w.-])([A-Za-z][\w.-]*)=|(?<![\w-])--([A-Za-z][\w-]*)(?:=|[ ]+))"""
    r"""["']?([^\s"',;&#)\]}]+)"""
)
"""A key and its value inside a text: `export API_KEY=...` in a shell, or an option."""
DEFAULT = re.compile(r"\$\{\s*oc\.env\s*:\s*\w+\s*,(?P<value>[^{}]+)\}")
LONGER = 24
"""Minimum length at which the value of a service's `key` is a secret, not a column's name."""
LONG = 12
"""Minimum length at which the user of an https URL may be a token."""


def words(key: str) -> list[str]:
    """Return the words of a key's last part, in lower case and singular.

    Examples:
        >>> words("logger.comet.secretKeys"), words("AWS_SECRET_ACCESS_KEY"), words("db-pass2")
        (['secret', 'key'], ['aws', 'secret', 'access', 'key'], ['db', 'pass'])

    """
    last = re.split(r"[./]", key.strip("'\" "))[-1]
    found = [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", last)]
    while len(found) > 1 and found[-1] in ENDINGS:
        found.pop()
    return [w[:-1] if w.endswith("s") and w[:-1] in _PLURAL else w for w in found]


_PLURAL = PASSWORDS | SECRETS | JOINED | {"key"}


def is_secret_key(key: str) -> bool:
    """Return whether a key names a secret, regardless of its value.

    Examples:
        >>> [is_secret_key(key) for key in ("pwd", "accessToken", "auth")]
        [True, True, True]
        >>> [is_secret_key(key) for key in ("author", "pad_token", "bypass")]
        [False, False, False]

    """
    *before, last = words(key) or [""]
    if last == "id" and before[-2:] == ["access", "key"]:
        return True
    near = before[-1] if before else ""
    return (
        last in PASSWORDS | SECRETS | JOINED
        or last.endswith(RUN_ON)
        or (last == "key" and near in KEYS)
        or (last == "pass" and (not near or near in PASSES))
        or (last == "token" and (not near or near in TOKENS))
    )


def _may_be_token(key: str) -> bool:
    *before, last = words(key) or [""]
    return last == "token" and bool(before) and before[-1] not in TEXTUAL


def _may_be_key(key: str) -> bool:
    """Return whether a key may be that of a service, such as `wandb_key` or KAGGLE_KEY."""
    *before, last = words(key) or [""]
    return last == "key" and bool(before)


def in_clear(key: str, value: object) -> str | None:
    """Return the plaintext secret in a key's value, if any.

    Examples:
        >>> in_clear("logger.comet.api_key", "abc"), in_clear("api_key", "${oc.env:KEY}")
        ('abc', None)
        >>> in_clear("tracking_uri", "https://me:abc@host/x?page=1")
        'abc'
        >>> in_clear("model.pad_token", "<pad>"), in_clear("credentials", "${oc.env:C,abc}")
        (None, 'abc')

    """
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    named = is_secret_key(key)
    if not isinstance(value, str):
        return text if named and words(key)[-1] in PASSWORDS else None
    if "${" in text:
        typed = DEFAULT.search(text)
        return in_clear(key, typed["value"].strip("'\" ")) if typed else next(inside(text), None)
    if (named and _is_clear(text)) or (_may_be_token(key) and _is_random(text)):
        return text
    if _may_be_key(key) and len(text) >= LONGER and text.isalnum() and _is_random(text):
        return text
    return next(inside(text), None)


def _is_clear(text: str) -> bool:
    placeholder = re.fullmatch(r"\*+|<.*>|\?\?\?", text)
    return not (text.lower() in HARMLESS or placeholder or is_path(text))


def is_path(text: str) -> bool:
    """Return whether a text is a path, which is not a secret."""
    return len(text) < 1024 and os.path.exists(os.path.expanduser(text))


def _is_random(text: str) -> bool:
    return bool(re.fullmatch(r"(?=.*\d)(?=.*[A-Za-z])[\w.+/=~-]{8,}", text))


def inside(text: str) -> Iterator[str]:
    """Yield the secrets in a text that are recognized by form or by position in a URL."""
    yield from (found[0] for found in FORMS.finditer(text))
    for found in _addresses(text):
        scheme, user, password = found.groups()
        if password is not None and _is_typed(password):
            yield password
        elif scheme.startswith("http") and len(user) >= LONG and _is_random(unquote(user)):
            yield user
    for key, value in QUERY.findall(text):
        if _is_typed(value) and (is_secret_key(key) or "".join(words(key)) in SIGNED):
            yield value
    for key, option, value in ASSIGNED.findall(text):
        if _is_typed(value) and is_secret_key(key or option):
            yield value
    yield from (value for value in DSN.findall(text) if _is_typed(value))
    for key, scheme, value in HEADER.findall(text):
        if (scheme or is_secret_key(key)) and _is_random(value):
            yield value


def _addresses(text: str) -> Iterator[re.Match[str]]:
    """Yield the URLs that have a user, in time linear in the length of the text."""
    for part in re.split(r"[\s?#]+", text) if "@" in text else ():
        yield from USER.finditer(part[: part.rfind("@") + 1])


def _is_typed(value: str) -> bool:
    return bool(value) and "${" not in value and _is_clear(value)


def found(node: object, key: str = "", *, secret: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the plaintext secrets of a config at any depth, each with its key.

    Args:
        node: plain mappings, sequences and values, with unresolved references.
        key: key of the node.
        secret: whether a parent key names a secret, as in `credentials: {me: abc}`.

    """
    if isinstance(node, Mapping):
        for name, value in node.items():
            known = str(name).startswith("_") or str(name).lower() in BESIDE
            inner = (secret or is_secret_key(key)) and not known
            yield from found(value, f"{key}.{name}" if key else str(name), secret=inner)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from found(value, key, secret=secret)
    elif (clear := in_clear("secret" if secret else key, node)) is not None:
        yield key, clear
