"""Writing files whole or not at all."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from zkevm.errors import FileError


def write_whole(
    path: Path, sections: Iterable[bytes | memoryview], *, replace: bool = True
) -> None:
    """Write a file under another name, then give it its own; ``FileError`` if that fails.

    So whoever dies in between leaves no broken file.  Without `replace` a file that is already
    there stays as it is.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.writelines(sections)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                _link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from error


def require_writable(path: Path) -> None:
    """Raise ``FileError`` if no file can be written at `path`, before work is done for it."""
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: no such folder")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"cannot write {path}: the folder is not writable")


def _link(temporary: Path, path: Path) -> None:
    """Give `temporary` the name `path` unless another process was first."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
