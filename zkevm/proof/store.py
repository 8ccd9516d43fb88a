"""Results kept in a folder, so that an interrupted proof goes on where it stopped.

A result is found by a key that depends on everything that it follows from.  What belongs to another
input, circuit or setup has another key and is never looked at; what was altered or cut does not
match its checksum and is computed again.
"""

import hashlib
from pathlib import Path

from zkevm.errors import FileError
from zkevm.files import write_whole

CHECKSUM = 32


class Store:
    """A folder of results, which is made if there is none.  Raises `FileError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: set[bytes] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make folder {folder}: {error.strerror}") from error

    def get(self, key: bytes) -> bytes | None:
        """The result of this key; None if it is not here, or not whole."""
        self.keys.add(key)
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"cannot read {self._path(key)}: {error.strerror}") from error
        checksum, result = data[:CHECKSUM], data[CHECKSUM:]
        return result if hashlib.sha256(key + result).digest() == checksum else None

    def put(self, key: bytes, result: bytes) -> None:
        """Keep a result."""
        checksum = hashlib.sha256(key + result).digest()
        write_whole(self._path(key), [checksum, result])

    def settle(self, name: bytes, number: int) -> int:
        """A number that stays what it was when it was first settled, as long as it is not too much.

        So a measurement that differs from run to run does not make other results of them.
        """
        key = hashlib.sha256(name).digest()
        kept = int.from_bytes(self.get(key) or b"", "big")
        if 0 < kept <= number:
            return kept
        number -= number // 16  # the next time it may be a little less
        self.put(key, number.to_bytes(8, "big"))
        return number

    def clear(self) -> None:
        """Remove every result that was asked for: nobody needs them any more."""
        for key in self.keys:
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: bytes) -> Path:
        return self.folder / f"{key.hex()}.part"
