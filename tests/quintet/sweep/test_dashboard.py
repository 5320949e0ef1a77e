"""optuna-dashboard opens a study in place: the journal, or a database."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from parent import loop, plan, swept

from quintet.study.study import Study
from usual import usual

COMMAND = Path(sys.executable).with_name("optuna-dashboard")
pytestmark = pytest.mark.skipif(not COMMAND.is_file(), reason="pip install -e '.[storage]'")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def dashboard(tmp_path):
    """Start the dashboard on loopback; give out its API."""
    started = []

    def start(storage: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = [str(COMMAND), storage, "--host", "127.0.0.1", "--port", str(port)]
        with (tmp_path / "dashboard.log").open("w") as log:
            started.append(subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True))

        def ask(path: str) -> dict:
            for _ in range(300):
                try:
                    with DIRECT.open(f"http://127.0.0.1:{port}/api/{path}", timeout=5) as answer:
                        return json.load(answer)
                except OSError:
                    assert started[-1].poll() is None, (tmp_path / "dashboard.log").read_text()
                    time.sleep(0.1)
            raise AssertionError("no answer")

        return ask

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("kind", usual(["journal", "sqlite"], "journal"))
def test_it_shows_the_trials_with_parameters_and_values(tmp_path, dashboard, kind):
    folder = tmp_path / "mine"
    url = None if kind == "journal" else f"sqlite:///{tmp_path}/studies.db"
    its = plan(folder, swept(x=[5, 2], do=["ok"]))
    folder.mkdir()
    loop(its, study=Study(folder, "max", url)).run()
    ask = dashboard(url or str(folder / "journal.log"))
    (study,) = ask("studies")["study_summaries"]
    assert study["study_name"] == "mine"
    shown = ask(f"studies/{study['study_id']}")["trials"]
    assert [trial["values"] for trial in shown] == [[5.0], [2.0]]
    assert [trial["state"] for trial in shown] == ["Complete", "Complete"]
    params = [{p["name"]: p["param_external_value"] for p in t["params"]} for t in shown]
    assert params == [{"x": "5", "do": "ok"}, {"x": "2", "do": "ok"}]
