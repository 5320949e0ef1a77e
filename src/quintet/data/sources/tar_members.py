"""Files inside tar archives, read in place: at their offset, without unpacking."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, UserError


class TarMember(str):
    """A file in a tar archive; as text `<archive>::<name>`, as messages show it."""

    __slots__ = ("archive", "offset", "size")
    archive: str
    offset: int
    size: int

    def __new__(cls, archive: str, name: str, offset: int, size: int) -> "TarMember":
        """Take note where the file's bytes are."""
        made = super().__new__(cls, f"{archive}::{name}")
        made.archive, made.offset, made.size = archive, offset, size
        return made

    def __getnewargs__(self) -> tuple[str, str, int, int]:  # type: ignore[override]
        """Return what makes it again in a worker."""
        return self.archive, self.removeprefix(f"{self.archive}::"), self.offset, self.size

    def read(self) -> bytes:
        """Return its content."""
        with open(self.archive, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def members(archive: Path) -> Iterator[tuple[str, TarMember]]:
    """Yield the name and place of each file of an uncompressed tar archive.

    Left out are links, and sparse files, which claim any size and hold little of it.

    Raises:
        UserError: it is none, or compressed.

    """
    try:
        with tarfile.open(archive, "r:") as opened:
            for each in opened:
                if each.isreg() and not each.issparse():
                    member = TarMember(str(archive), each.name, each.offset_data, each.size)
                    yield each.name, member
    except (tarfile.TarError, OSError, ValueError) as problem:  # numbers in headers
        raise UserError(
            f"{archive} is no readable tar archive: {problem}",
            code=Code.DAMAGED,
            hint="Shards are plain tar files; unpack compressed ones (gunzip).",
        ) from None


def opened(file: Any) -> Any:
    """Return what Pillow opens: a path as it is, a member of an archive as a file in memory."""
    return io.BytesIO(file.read()) if isinstance(file, TarMember) else file
