"""A PostgreSQL server of its own, on loopback, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where it or psycopg is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path("/usr/bin")]
    return found[-1] if (found[-1] / "initdb").exists() and find_spec("psycopg") else None


@contextmanager
def server() -> Iterator[str]:
    """Start the server and yield the URL of a storage; not as root, which it refuses."""
    at = programs()
    assert at is not None
    owner = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        port = free_port()
        if owner:
            shutil.chown(folder, owner)
        made = ["-D", f"{folder}/data", "-U", "quintet", "-A", "trust", "--no-sync"]
        run = ["-D", f"{folder}/data", "-k", folder, "-p", str(port), "-F", "-h", "127.0.0.1"]
        subprocess.run([at / "initdb", *made], check=True, user=owner, cwd=folder, stdout=-3)
        running = subprocess.Popen([at / "postgres", *run], user=owner, cwd=folder, stderr=-3)
        try:
            until_it_listens(port)
            yield f"postgresql+psycopg://quintet@127.0.0.1:{port}/postgres"
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(timeout=30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_it_listens(port: int) -> None:
    """Wait for a server."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the server on port {port} did not start")
