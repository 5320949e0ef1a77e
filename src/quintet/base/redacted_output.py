"""Redaction of everything that a process and its libraries print and log."""

import logging
import sys
import traceback
from collections.abc import Iterable
from typing import Any, TextIO, cast

from quintet.base.secrets import redact


class Redacted:
    """A text stream that redacts secrets and writes to another stream.

    Args:
        stream: the stream to write to.

    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)


class RedactedLogRecord(logging.LogRecord):
    """A log record whose message and traceback are redacted for every handler."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.exc_info and self.exc_info[0] is not None:
            told = "".join(traceback.format_exception(*self.exc_info)).rstrip("\n")
            self.exc_text = redact(told)  # formatters use this if it is set

    def getMessage(self) -> str:
        """Return the formatted message."""
        return redact(super().getMessage())


def install() -> None:
    """Redact the output and log records of this process; repeated calls have no effect."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Redacted):
            setattr(sys, name, cast(TextIO, Redacted(stream)))
    logging.setLogRecordFactory(RedactedLogRecord)
