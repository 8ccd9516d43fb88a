"""`zkevm t8n`."""

import json
import sys
from pathlib import Path

import click
import msgspec

from zkevm.errors import FileError, UsageError
from zkevm.evm.fixture import decode_json, read_file
from zkevm.evm.forks import FORKS, fork_named
from zkevm.evm.transition_inputs import read_inputs, with_blob_parameters
from zkevm.evm.transition_tool import transition

STREAMS = ("stdout", "stderr")
STDIN = "stdin"


@click.command()
@click.option("--input.alloc", "alloc", default="alloc.json", show_default=True)
@click.option("--input.env", "env", default="env.json", show_default=True)
@click.option("--input.txs", "txs", default="txs.json", show_default=True)
@click.option("--input.blobParams", "blob_parameters", help="Another blob schedule.")
@click.option("--output.basedir", "folder", type=click.Path(path_type=Path), default=Path())
@click.option("--output.alloc", "alloc_output", default="alloc.json", show_default=True)
@click.option("--output.result", "result_output", default="result.json", show_default=True)
@click.option("--output.body", "body_output", help="The executed transactions as RLP.")
@click.option("--state.fork", "fork_name", default=list(FORKS)[-1], show_default=True)
@click.option("--state.chainid", "chain_id", type=int, default=1, show_default=True)
@click.option(
    "--state.reward", "reward", type=int, default=0, help="None since the merge: 0 or -1."
)
def t8n(
    alloc: str,
    env: str,
    txs: str,
    blob_parameters: str | None,
    folder: Path,
    alloc_output: str,
    result_output: str,
    body_output: str | None,
    fork_name: str,
    chain_id: int,
    reward: int,
) -> None:
    """Execute the body of a block: the transition tool of geth and of the specification.

    Inputs are files, or `stdin` for one JSON object with the members alloc, env, txs and
    blobParams. Outputs are files in the base directory, `stdout` or `stderr`: what goes to one
    stream is one JSON object. An invalid transaction is listed as rejected and left out.
    """
    if reward > 0:
        raise UsageError("--state.reward: blocks pay no reward since the merge")
    read = _Reader()
    fork = fork_named(fork_name)
    if blob_parameters is not None:
        fork = with_blob_parameters(fork, read("blobParams", blob_parameters))
    inputs = read_inputs(read("alloc", alloc), read("env", env), read("txs", txs), fork, chain_id)
    outputs = transition(fork, chain_id, inputs)
    streams: dict[str, dict[str, object]] = {}
    for name, place, value in (
        ("alloc", alloc_output, outputs.alloc),
        ("result", result_output, outputs.result),
        ("body", body_output, outputs.body),
    ):
        if place in STREAMS:
            streams.setdefault(place, {})[name] = value
        elif place:
            _write(folder / place, value)
    for stream, document in streams.items():
        click.echo(json.dumps(document, indent=1), err=stream == "stderr")


class _Reader:
    """Reads documents from files, or from the members of one object on standard input."""

    def __init__(self) -> None:
        self.members: dict[str, msgspec.Raw] | None = None

    def __call__(self, name: str, place: str) -> bytes | msgspec.Raw:
        if place != STDIN:
            return read_file(Path(place))
        if self.members is None:
            text = sys.stdin.buffer.read()
            self.members = decode_json(text, dict[str, msgspec.Raw], STDIN)
        if name not in self.members:
            raise UsageError(f"standard input has no member {name!r}")
        return self.members[name]


def _write(path: Path, value: object) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
