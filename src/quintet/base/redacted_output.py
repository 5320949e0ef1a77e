"""What a process prints and logs, by whatever library, passes the redactor."""

import logging
import sys
import traceback
from collections.abc import Iterable
from typing import Any, TextIO, cast

from quintet.base.secrets import redact


class Redacted:
    """A text stream that shows no secret; in all else it is the stream that it goes before.

    Args:
        stream: to write to.

    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return what is the stream's own."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one text after the other."""
        for line in lines:
            self.write(line)


class RedactedLogRecord(logging.LogRecord):
    """A log record whose message and traceback show no secret, wherever a handler takes it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.exc_info and self.exc_info[0] is not None:
            told = "".join(traceback.format_exception(*self.exc_info)).rstrip("\n")
            self.exc_text = redact(told)  # a formatter takes this where it is there

    def getMessage(self) -> str:
        """Return the message with its arguments."""
        return redact(super().getMessage())


def install() -> None:
    """Set both up for this process, once."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Redacted):
            setattr(sys, name, cast(TextIO, Redacted(stream)))
    logging.setLogRecordFactory(RedactedLogRecord)
