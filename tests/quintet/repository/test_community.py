"""The files around the code: issue forms, workflows, container; valid and up to date."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FORMS = [p for p in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if p.stem != "config"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_asks_for(path):
    form = yaml.safe_load(path.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in form["body"])


@pytest.mark.parametrize("name", ["lint", "test"])
def test_a_workflow_runs_targets_that_the_makefile_has(name):
    steps = [
        step.get("run", "")
        for job in yaml.safe_load(read(f".github/workflows/{name}.yml"))["jobs"].values()
        for step in job["steps"]
    ]
    asked = set(re.findall(r"make ([a-z]+)", " ".join(steps)))
    assert {"install", {"lint": "check"}.get(name, name)} == asked
    assert asked <= set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert all(set(author) == {"name"} for author in citation["authors"])


def test_the_container_installs_extras_and_copies_files_that_there_are():
    text = read("Dockerfile")
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", text, re.MULTILINE)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_the_devcontainer_makes_what_the_makefile_makes():
    made = json.loads(read(".devcontainer/devcontainer.json"))["postCreateCommand"]
    assert set(re.findall(r"make ([a-z]+)", made)) == {"install", "completion"}


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_why_what_it_costs_and_when_to_think_again(path):
    text = path.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        *("Question", "Decision", "Reasons", "Costs", "Reconsider if")
    ]
    assert f"]({path.name})" in read("docs/decisions/README.md")
