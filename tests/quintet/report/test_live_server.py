"""The report of a sweep that is followed in a browser."""

import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

import browsing
import runs
from quintet.base.errors import Code, UserError
from quintet.report.live_server import LiveReport, ReportServer, server
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_page import page
from quintet.study.space import Interval, Space
from quintet.study.spec import space_fields
from quintet.study.study import Study

SPACE = Space((Interval("optimizer.lr", 1e-4, 1e-1, "log"),))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study with ten trials that have ended, so that its table has a filter."""
    made = Study(tmp_path, "max")
    metric = {"name": "accuracy", "mode": "max"}
    made.set_or_check_spec({"metric": metric, "fixed": [], "space": space_fields(SPACE)})
    for number in range(10):
        end_trial(made, number)
    return made


def end_trial(made: Study, number: int) -> None:
    made.create({"optimizer.lr": str(10 ** -(1 + number / 5))}, SPACE, {})
    made.note(number, epochs=4, seconds=1.5, value=number / 20, status="completed")
    made.tell(number, "completed", number / 20)


@pytest.fixture
def served(study: Study, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReportServer]:
    monkeypatch.setattr("quintet.report.live_server.SPARED", 0.0)
    report = LiveReport(lambda: replace(page(SweepData(study, study.folder)), live=True))
    with server(report) as made:
        thread = Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def answer(address: str, **headers: str) -> tuple[int, str]:
    parts = urlsplit(address)
    connection = HTTPConnection(str(parts.hostname), int(parts.port or 0), timeout=20)
    connection.request("GET", parts.path, headers=headers)
    got = connection.getresponse()
    return got.status, got.read().decode()


def test_a_browser_follows_the_trials_and_keeps_its_filter(
    study: Study, served: ReportServer
) -> None:
    with browsing.browser() as chromium:
        shown: Any = chromium.new_page()
        troubles: list[str] = []
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        shown.goto(served.address)
        shown.wait_for_selector("html[data-drawn=true]", timeout=30_000)
        assert "Trial 9 wins" in shown.locator(".headline").inner_text().replace("\xa0", " ")
        shown.locator("main input").first.fill("completed")
        shown.locator("h1").click()  # away from the filter
        shown.evaluate("document.activeElement.blur()")
        end_trial(study, 10)
        shown.locator(".headline", has_text=re.compile("Trial.10 wins")).wait_for(timeout=30_000)
        shown.wait_for_selector("html[data-drawn=true]", timeout=30_000)
        assert shown.locator("main input").first.input_value() == "completed"
        assert troubles == []


def test_the_version_changes_with_the_study_alone(study: Study, served: ReportServer) -> None:
    before = answer(f"{served.address}version")
    assert answer(f"{served.address}version") == before
    end_trial(study, 10)
    assert answer(f"{served.address}version") != before


def test_nobody_else_is_answered(served: ReportServer) -> None:
    assert answer(served.address)[0] == 200
    assert answer(served.address, Host="example.org")[0] == 403
    assert answer(served.address.rsplit("/", 2)[0] + "/")[0] == 404
    assert served.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_refused(served: ReportServer, study: Study) -> None:
    with pytest.raises(UserError) as caught:
        server(LiveReport(lambda: page(SweepData(study, study.folder))), served.server_port)
    assert (caught.value.code, caught.value.key) == (Code.UNAVAILABLE, "port")


def test_the_command_says_where_and_ends_with_ctrl_c(study: Study) -> None:
    command = [sys.executable, "src/report.py", f"sweep={study.folder}", "live=true"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=runs.environment()
    ) as process:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        assert answer(address[0])[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not (study.folder / "report.html").exists()


def test_a_browser_that_leaves_is_not_an_error(
    served: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(served.address)
    for _ in range(5):
        with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as left:
            left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            left.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    assert answer(served.address)[0] == 200
    served.server_close()  # waits for those that are being answered
    assert capfd.readouterr().err == ""


def test_a_connection_that_says_nothing_is_closed(
    served: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.RequestHandlerClass, "timeout", 0.1)
    parts = urlsplit(served.address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), 20) as silent:
        silent.sendall(b"GET ")
        assert silent.recv(1) == b""
