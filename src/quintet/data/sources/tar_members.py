"""Files in tar archives, read in place at their offsets, without unpacking."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, UserError


class TarMember(str):
    """A file in a tar archive; its text form is `<archive>::<name>`, as in messages."""

    __slots__ = ("archive", "offset", "size")
    archive: str
    offset: int
    size: int

    def __new__(cls, archive: str, name: str, offset: int, size: int) -> "TarMember":
        """Store where the file's bytes are."""
        made = super().__new__(cls, f"{archive}::{name}")
        made.archive, made.offset, made.size = archive, offset, size
        return made

    def __getnewargs__(self) -> tuple[str, str, int, int]:  # type: ignore[override]
        """Return the arguments that recreate it in a worker."""
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
        UserError: it is not a tar archive, or compressed.

    """
    try:
        with tarfile.open(archive, "r:") as opened:
            for each in opened:
                if each.isreg() and not each.issparse():
                    member = TarMember(str(archive), each.name, each.offset_data, each.size)
                    yield each.name, member
    except (tarfile.TarError, OSError, ValueError) as problem:  # numbers in headers
        raise UserError(
            f"{archive} is not a readable tar archive: {problem}",
            code=Code.DAMAGED,
            hint="Shards are plain tar files; unpack compressed ones (gunzip).",
        ) from None


def opened(file: Any) -> Any:
    """Return what Pillow can open: the path itself, or a member of an archive in memory."""
    return io.BytesIO(file.read()) if isinstance(file, TarMember) else file
