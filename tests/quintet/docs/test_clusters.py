"""docs/clusters: the compose files, which no test can start, say what docs/clusters.md says.

Their keys are those that the Compose Specification has, as far as they are used here.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.pages import ROOT

FILES = sorted((ROOT / "docs/clusters").glob("*.yaml"))
PAGE = (ROOT / "docs/clusters.md").read_text("utf-8")
TOP = {"name", "services", "networks", "volumes", "secrets", "configs"}
SERVICE = {
    *("image", "build", "command", "entrypoint", "environment", "env_file", "depends_on"),
    *("restart", "ports", "volumes", "secrets", "configs", "networks", "healthcheck", "user"),
}
CHECK = {"test", "interval", "timeout", "retries", "start_period", "disable"}


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_compose_file_has_known_keys_and_all_that_it_names(path: Path) -> None:
    file = read(path)
    assert file.keys() <= TOP
    for service in file["services"].values():
        assert service.keys() <= SERVICE
        assert service["image"].partition(":")[2], "a version"
        assert service.get("healthcheck", {}).keys() <= CHECK
        assert {*service.get("secrets", [])} <= file.get("secrets", {}).keys()
        kept = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert kept <= file.get("volumes", {}).keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_postgres_is_reached_as_the_page_says() -> None:
    file = read(ROOT / "docs/clusters/postgres.yaml")
    service = file["services"]["postgres"]
    given = service["environment"]
    host, port, database, user = re.findall(r"127\.0\.0\.1:\d+:\w+:\w+", PAGE)[0].split(":")
    assert service["ports"] == [f"{host}:{port}:5432"]
    assert (given["POSTGRES_DB"], given["POSTGRES_USER"]) == (database, user)
    assert service["healthcheck"]["test"][2:] == [f"--username={user}", f"--dbname={database}"]
    (secret,) = service["secrets"]
    assert given["POSTGRES_PASSWORD_FILE"] == f"/run/secrets/{secret}"
    password = (ROOT / "docs/clusters" / file["secrets"][secret]["file"]).resolve()
    assert password.parent == ROOT, "compose finds it beside its own file"
    assert f"> {password.name}\n" in PAGE
    assert "docker compose --file docs/clusters/postgres.yaml up" in PAGE
