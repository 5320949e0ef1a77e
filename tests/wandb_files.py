"""Read W&B's offline files back: what `wandb sync` would upload, and a dashboard would show."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def files(folder: Path) -> list[Path]:
    """Return the record files of a run folder, the oldest first."""
    return sorted(folder.glob("wandb/*run-*/run-*.wandb"))


def records(path: Path) -> list[dict[str, Any]]:
    """Return all records of a file."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def dashboard(path: Path) -> SimpleNamespace:
    """Put together what a dashboard would show of a run."""
    seen = records(path)
    of = {kind: [r[kind] for r in seen if r["type"] == kind] for kind in {r["type"] for r in seen}}
    summary: dict[str, Any] = {}
    for update in of.get("summary", []):
        summary |= update["update"]
    return SimpleNamespace(
        run=of["run"][-1] if "run" in of else {},
        config=of["run"][0]["config"]["update"] if "run" in of else {},
        rows=[row["item"] for row in of.get("history", []) if "epoch" in row["item"]],
        metrics={m.get("name") or m.get("glob_name"): m for m in of.get("metric", [])},
        summary=summary,
        artifacts={a["type"]: a for a in of.get("artifact", [])},
        exit_code=of["exit"][-1]["exit_code"] if "exit" in of else None,
    )


def table(path: Path, key: str) -> list[dict[str, Any]]:
    """Return the rows of a table that a run shows under a key."""
    shown = path.parent / "files" / dashboard(path).summary[f"{key}.path"]
    content = json.loads(shown.read_text())
    return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
