"""A plaintext secret is refused, typed or in a YAML; what only looks like one is not."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from quintet.base import secret_rules
from quintet.config import plaintext_secrets
from running import CONFIGS

CLEAR = """
api_key=abc  +logger.comet.api_key=abc  ++db.password=abc  a.hf_token=abc  accesskey=abc  a.pwd=abc
credentials=abc  private_key=abc  aws_secret_access_key=abc  secretKey=abc  accessToken=abc
auth=abc  api-key=abc  x.AWS_SESSION_TOKEN=abc  a.APIKey=abc  db_pass=abc  password2=abc
password=1234  sweeper.storage=postgresql://me:abc@host/db  u=http://me:a/b@host  u=http://me:@@host
u=https://abcd1234efgh5678@host  u='https://host/x?token=abc'  u='http://h/?a=1&api_key=abc'
u='https://h/x?X-Amz-Signature=abc'  x={password:abc}  x=[{token:abc}]  x={a:{b:[{secret:abc}]}}
auth={me:abc}  secrets=[abc,def]  wandb_api_key=abc,def  db_password='${oc.env:X,abc}'
comet_token=abc123def456  headers={Authorization:'Bearer_abc'}  d='host=h;pwd=abc'
"""
FORMS = {
    "AWS": "AKIA" + "ABCDEFGH" * 2,
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitLab": "glpat-" + "a1B2_" * 4,
    "Hugging Face": "hf_" + "aB" * 17,
    "OpenAI": "sk-proj-" + "a1B2" * 10,
    "Slack": "xoxb-" + "1234567890-" * 2 + "abc",
    "Google": "AIza" + "a1B2c" * 7,
    "JWT": ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "abcdefghijk")),
    "PEM": "-----BEGIN RSA PRIVATE KEY-----",
}
SAFE = """
model.pad_token='<pad>'  tokens_per_batch=5  data.tokens=5  max_tokens=10  tokenizer=bert
author=me  key_padding=3  keyboard=x  compass=n  bypass=true  public_key=x  sort_key=name
authority=x  image_token=img1234567  a.token=null  a.token='${oc.env:T}'  u=https://huggingface.co/model2@main
u=postgresql://user@host/db  u=http://localhost:8080/path@v1  secret_name=x  password_file=x
num_pass=3  forward_pass=x  use_auth_token=true  auth=basic  credentials=/etc/hosts  monkey=abc
logger=[csv,wandb]  x='sk-learn-random-forest-classifier'  key=abc  primary_key=id  token_type=abc
u='http://me:${oc.env:P}@host'  credentials={user:me,password:'${oc.env:P}'}  a.pass_through=abc
u='http://h/?page=1&tokens=5'  password=null  password=???  --help  a.secretary=abc  oauth=on
"""


@pytest.mark.parametrize("argument", CLEAR.split())
def test_a_secret_in_clear_is_noticed(argument):
    assert list(plaintext_secrets.typed(argument))


@pytest.mark.parametrize("service", FORMS)
def test_a_secret_is_known_by_its_form_wherever_it_stands(service):
    assert list(secret_rules.found({"notes": ["see", f"it is {FORMS[service]} now"]}))


@pytest.mark.parametrize("argument", SAFE.split())
def test_what_is_not_a_secret_in_clear_passes(argument):
    assert not list(plaintext_secrets.typed(argument))


@pytest.mark.parametrize("name", ["train", "evaluate", "predict", "export", "report", "steer"])
def test_no_command_of_ours_has_one(name, monkeypatch):
    monkeypatch.setenv("PROJECT_ROOT", "/x")
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose(name, return_hydra_config=True)
    assert not list(secret_rules.found(OmegaConf.to_container(config, resolve=False)))


def test_nor_has_any_option():
    for path in CONFIGS.rglob("*.yaml"):
        node = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        assert not list(secret_rules.found(node)), path


def test_the_refusal_names_key_and_cure_and_not_the_secret():
    with pytest.raises(SystemExit) as refused:
        plaintext_secrets.refuse_arguments(["seed=1", "a={login: {passwd: 'tweet 4711'}}"])
    said = str(refused.value)
    assert "a.login.passwd" in said
    assert "a.login.passwd='${oc.env:" in said
    assert "4711" not in said


def test_the_refusal_names_the_file(tmp_path):
    (tmp_path / "comet.yaml").write_text("api_key: tweet-4711\n")
    config = OmegaConf.create({"logger": {"comet": {"api_key": "tweet-4711"}}})
    with pytest.raises(SystemExit) as refused:
        plaintext_secrets.refuse_config(config, tmp_path)
    assert str(tmp_path / "comet.yaml") in str(refused.value)
    assert "4711" not in str(refused.value)
