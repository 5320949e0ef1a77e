"""A report on a local port that follows a run or sweep in progress."""

import hashlib
import re
import secrets
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.report.html.frame import Page

HOST = "127.0.0.1"
SPARED = 5.0
"""A page is rendered again after this multiple of the time that it took, and as many seconds."""
PATIENCE = 30
"""Seconds that a connection may say nothing; each has a thread."""
UNMARKED, MARKED = 'data-version=""', 'data-version="{}"'


class LiveReport:
    """The latest page and its version; requesting the version renders a new page when one is due.

    Args:
        make: returns the current page.

    """

    def __init__(self, make: Callable[[], Page]) -> None:
        self._make, self._lock = make, Lock()
        self._due = 0.0
        self._html, self._version = "", ""
        self._renew()

    def html(self) -> str:
        """Return the latest page."""
        return self._html.replace(UNMARKED, MARKED.format(self._version))

    def version(self) -> str:
        """Return the version of the latest page."""
        with self._lock:
            if time.monotonic() > self._due:
                self._try_again()
            return self._version

    def _try_again(self) -> None:
        """Render a new page; a file that was being written meanwhile is read the next time."""
        began = time.monotonic()
        try:
            self._renew()
        except Exception as error:
            console.warn(f"The page is not updated: {error}")
        self._due = time.monotonic() + SPARED * (1 + time.monotonic() - began)

    def _renew(self) -> None:
        html = self._make().html()
        content = re.sub("<footer>.*?</footer>", "", html, flags=re.DOTALL)  # it has the time
        self._html, self._version = html, hashlib.sha256(content.encode()).hexdigest()[:16]


def serve(make: Callable[[], Page], port: int = 0) -> None:
    """Serve a page until Ctrl-C.

    Only this machine is served, and only clients that know the address: other users of the machine
    do not, and a page of another site that calls this port names another host.

    Args:
        make: returns the current page.
        port: 0 for a free one.

    Raises:
        UserError: the port is taken.

    """
    with server(LiveReport(make), port) as made:
        console.say("live      [bold]{}[/]", made.address)
        console.say("          open it on this machine; it is updated live. Ctrl-C ends it")
        try:
            made.serve_forever()
        except KeyboardInterrupt:
            console.say("")


class ReportServer(ThreadingHTTPServer):
    """Serves a report under a secret path."""

    daemon_threads = True
    address: str

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong in a line; nothing of a browser that left before it was answered."""
        if not isinstance(error := sys.exception(), ConnectionError):
            console.warn(f"A request was not answered: {error}")


def server(report: LiveReport, port: int = 0) -> ReportServer:
    """Return a server, which knows its address.

    Raises:
        UserError: the port is taken.

    """
    path = f"/{secrets.token_urlsafe(12)}/"
    texts = {path: ("text/html", report.html), f"{path}version": ("text/plain", report.version)}

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_GET(self) -> None:
            if self.headers.get("Host") != f"{HOST}:{made.server_port}":
                self.send_error(HTTPStatus.FORBIDDEN)
            elif self.path not in texts:
                self.send_error(HTTPStatus.NOT_FOUND)
            else:
                kind, text = texts[self.path]
                self._answer(kind, text().encode())

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing: a line for each request would hide the address."""

    try:
        made = ReportServer((HOST, port), Handler)
    except OSError as error:
        raise UserError(
            f"cannot be listened on: {error.strerror}",
            code=Code.UNAVAILABLE,
            key="port",
            value=port,
            hint="Leave port= out to use a free one.",
        ) from None
    made.address = f"http://{HOST}:{made.server_port}{path}"
    return made
