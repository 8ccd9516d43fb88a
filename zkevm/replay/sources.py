"""Where fixtures come from: JSON files, folders, and archives, which are not unpacked to disk."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import msgspec

from zkevm.errors import FileError, InputError

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz")
ARCHIVE_ERRORS = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError)


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a JSON file and where they come from."""

    source: str
    text: bytes


class Kind(Enum):
    """What a file holds tests of."""

    STATE = auto()
    """One transaction each."""
    BLOCKCHAIN = auto()
    """Blocks."""


class Peek(msgspec.Struct):
    """What tells tests from each other and from other objects."""

    pre: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    blocks: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def kind_of(document: Document) -> Kind | None:
    """Recognise a file by its content, None if it holds no tests.

    Raises `InputError` for what is no JSON object.
    """
    try:
        tests = msgspec.json.decode(document.text, type=dict[str, msgspec.Raw])
        peeks = [msgspec.json.decode(test, type=Peek) for test in tests.values()]
    except msgspec.ValidationError:
        if document.text.lstrip()[:1] == b"{":
            return None
        raise InputError(f"{document.source}: not a JSON object") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{document.source}: {error}") from error
    if not any(peek.pre is not msgspec.UNSET for peek in peeks):
        return None
    return Kind.BLOCKCHAIN if any(p.blocks is not msgspec.UNSET for p in peeks) else Kind.STATE


def documents(path: Path) -> Iterator[Document]:
    """Yield the JSON files at a path one by one; those of a folder in the order of their names.

    Hidden files and folders are left out. Raises `FileError` for what cannot be read and
    `InputError` for a damaged archive.
    """
    try:
        yield from _documents(path)
    except ARCHIVE_ERRORS as error:
        raise InputError(f"{path}: damaged archive: {error}") from error
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error


def _documents(path: Path) -> Iterator[Document]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            if _is_fixture(file.relative_to(path).as_posix()):
                yield Document(str(file), file.read_bytes())
    elif path.name.endswith(TAR_SUFFIXES):
        yield from _tar_members(path)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in filter(_is_fixture, archive.namelist()):
                yield Document(f"{path}:{name}", archive.read(name))
    else:
        yield Document(str(path), path.read_bytes())


def _tar_members(path: Path) -> Iterator[Document]:
    """Read an archive once from front to back, which compressed ones ask for."""
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            file = archive.extractfile(member) if _is_fixture(member.name) else None
            if file is not None:
                yield Document(f"{path}:{member.name}", file.read())


def _is_fixture(name: str) -> bool:
    hidden = any(part.startswith(".") and part != "." for part in name.split("/"))
    return name.endswith(".json") and not hidden
