"""The family of errors that reach a user: each says what to do and has an exit code.

A message is one line and complete in itself: the command line prints it after `error:` and adds
nothing. Layers below derive their own errors from these, and the verifier raises
`VerificationError` and nothing else.
"""

from typing import ClassVar


class ZkevmError(Exception):
    """Root of the family; `exit_code` is what the command line exits with."""

    exit_code: ClassVar[int] = 1


class VerificationError(ZkevmError):
    """The proof does not prove the statement; the message names the reason."""


class NotProvableError(ZkevmError):
    """The transaction uses something that no gadget proves yet; the message names it and where."""


class UsageError(ZkevmError):
    """The request cannot be served: no such test, an unknown fork, no native kernels."""

    exit_code = 2


class InputError(ZkevmError):
    """An input file was read and is not what it should be; the message says where."""

    exit_code = 10


class FileError(ZkevmError):
    """A file is absent or cannot be read or written."""

    exit_code = 11


class TooLargeError(ZkevmError):
    """The SRS has fewer powers than the circuit needs; the message names the degree needed."""

    exit_code = 20


class SrsError(ZkevmError):
    """The SRS file is cut, of another curve, inconsistent, or not a trusted setup at all."""

    exit_code = 21
