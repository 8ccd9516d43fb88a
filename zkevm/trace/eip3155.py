"""A trace as the JSON lines of EIP-3155: one an instruction, and a summary."""

import json
from collections.abc import Iterator

from zkevm.evm.opcodes import ARITY, Op
from zkevm.trace.replay import output, stacks
from zkevm.trace.trace import RESUME, Halt, Trace


def lines(trace: Trace, state_root: int) -> Iterator[str]:
    """Yield the lines, without line ends; `state_root` is that after the transaction.

    The cost of an instruction that opens a frame includes the gas it gives away. An instruction
    that ends a frame costs what the frame has left less what it hands back: all, if it halts
    exceptionally; for a creation the deposit of the code, too.
    """
    rows, frames = trace.rows, trace.frames
    gas_after = _gas_after(trace)
    refunds = _refunds(trace)
    errors = {
        int(row): Halt(halt).name.lower().replace("_", " ")
        for row, halt in zip(frames.end_row.tolist(), frames.halt.tolist(), strict=True)
        if halt >= Halt.OUT_OF_GAS
    }
    for row, (stack, frame, pc, op, gas, msize) in enumerate(
        zip(
            stacks(trace),
            rows.frame.tolist(),
            rows.pc.tolist(),
            rows.op.tolist(),
            rows.gas.tolist(),
            rows.msize.tolist(),
            strict=True,
        )
    ):
        if op == RESUME or frames.code[frame] < 0:
            continue
        line = {
            "pc": pc,
            "op": op,
            "gas": hex(gas),
            "gasCost": hex(gas - gas_after[row]),
            "memSize": 32 * msize,
            "stack": [hex(word) for word in stack],
            "depth": int(frames.depth[frame]) + 1,
            "refund": refunds[row],
            "opName": Op(op).name if op in ARITY else f"INVALID_{op:02X}",
        }
        if row in errors:
            line["error"] = errors[row]
        yield json.dumps(line)
    yield json.dumps(
        {
            "stateRoot": f"0x{state_root:064x}",
            "output": "0x" + _root_output(trace).hex(),
            "gasUsed": hex(trace.receipt.gas_used),
            "pass": trace.receipt.success,
            "fork": trace.fork,
        }
    )


def _gas_after(trace: Trace) -> list[int]:
    """Return for each row the gas of its frame at the frame's next row, or as handed back."""
    frames = trace.frames
    after = [0] * len(trace.rows)
    previous: dict[int, int] = {}
    for row, (frame, gas) in enumerate(
        zip(trace.rows.frame.tolist(), trace.rows.gas.tolist(), strict=True)
    ):
        if frame in previous:
            after[previous[frame]] = gas
        previous[frame] = row
    for row, gas in zip(frames.end_row.tolist(), frames.gas_end.tolist(), strict=True):
        if row >= 0:
            after[row] = gas
    return after


def _refunds(trace: Trace) -> list[int]:
    """Return the refund counter before each row; a failing frame restores its caller's."""
    changes = dict(zip(trace.refunds.row.tolist(), trace.refunds.value.tolist(), strict=True))
    frames = trace.frames
    begins = dict(zip(frames.first_row.tolist(), range(len(frames)), strict=True))
    ends = dict(zip(frames.end_row.tolist(), range(len(frames)), strict=True))
    at_begin: dict[int, int] = {}
    value = 0
    values = []
    for row in range(len(trace.rows)):
        if row in begins:
            at_begin[begins[row]] = value
        values.append(value)
        value = changes.get(row, value)
        if row in ends and not frames.success[ends[row]]:
            value = at_begin[ends[row]]
    return values


def _root_output(trace: Trace) -> bytes:
    """Return the output of the root frame, or of the precompile in its place."""
    if len(trace.calls.row) and trace.calls.row[0] < 0:
        return trace.calls.output[0]
    return output(trace, 0)
