"""Interpreters that do wrong at one step, and honestly record what follows from there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from tests.support.faults.case import Case, executed
from tests.support.programs import ADDRESS_OPERAND, INTERESTING, KEY_OPERAND
from zkevm.evm.code import Code
from zkevm.evm.events import Halt
from zkevm.evm.fork import Fork
from zkevm.evm.frame import Frame
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import State
from zkevm.evm.transaction import Log
from zkevm.evm.validity import InvalidTransaction
from zkevm.trace.recorder import TraceRecorder
from zkevm.trace.trace import RESUME, Trace, TraceLog

WORD = 1 << 256
PLENTY = 1 << 24
"""Of gas, and not so much that memory could grow beyond all bounds."""
HALTS = [halt for halt in Halt if Halt.OUT_OF_GAS <= halt <= Halt.CODE_TOO_LARGE]

Cheat = Callable[[Frame, Random], None]


CANNOT = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What going on from nonsense raises."""


class ImpossibleError(Exception):
    """The cheat has nothing to change here, or nobody can go on from there."""


@dataclass(frozen=True)
class Kind:
    """A way to cheat: before or after an instruction, or instead of it."""

    cheat: Cheat
    when: str = "before"
    where: Callable[[Trace], list[int]] | None = None
    """The rows where it can do anything; by default any."""


class CheatingRecorder(TraceRecorder):
    """Cheats at one row, and records honestly, except that it does not tell."""

    every_step = True

    def __init__(self, index: int, row: int, kind: Kind, random: Random) -> None:
        super().__init__(index)
        self.at, self.kind, self.random = row, kind, random
        self.frame: Frame | None = None
        self.saved: tuple[int, bool] | None = None

    def step(self, frame: Frame, pc: int, op: int) -> None:
        super().step(frame, pc, op)
        self.frame = frame
        if self._row != self.at:
            return
        if self.kind.when == "before" or (self.kind.when == "after" and op == RESUME):
            self.kind.cheat(frame, self.random)
        elif self.kind.when == "rescue" and op != RESUME:
            rescue(self, frame, op)

    def executed(self, op: int, stack: list[int]) -> None:
        if self._row == self.at and self.frame is not None:
            if self.saved is not None:
                self.frame.gas, self.frame.static = self.saved
            elif self.kind.when == "after":
                self.kind.cheat(self.frame, self.random)
        super().executed(op, stack)


def cheated(case: Case, at: int, row: int, kind: Kind, random: Random) -> tuple[Trace, ...]:
    """The traces of an executor that cheats at a row of one transaction.

    Those after it follow from what it leaves.  Raises ImpossibleError.
    """
    recorder = CheatingRecorder(at, row, kind, random)
    fork = case.fork
    if kind.when in ("instead", "rescue"):
        fork = _bent(fork, recorder, kind)
    try:
        return executed(case, {at: recorder}, {at: fork})
    except (*CANNOT, InvalidTransaction, ExceptionalHalt):
        raise ImpossibleError from None


def _bent(fork: Fork, recorder: CheatingRecorder, kind: Kind) -> Fork:
    """A fork whose instructions are something else at the recorder's row."""

    def bend(op, honest):
        def instruction(frame: Frame) -> None:
            if recorder._row != recorder.at:
                honest(frame)
            elif kind.when == "rescue":
                go_on(honest, op, frame)
            else:
                recorder.instruction = (op, honest)
                kind.cheat(frame, recorder.random)

        return instruction

    bent = {op: bend(op, honest) for op, honest in fork.instructions.items()}
    return replace(fork, instructions=bent)


# Rescuing a step that has to fail.


def rescue(recorder: CheatingRecorder, frame: Frame, op: int) -> None:
    """Before a failing instruction: give it gas, operands, room, and leave to write."""
    recorder.saved = max(frame.gas - 3, 0), frame.static
    frame.gas, frame.static = PLENTY, False
    if op in ARITY:
        missing = ARITY[Op(op)].inputs - len(frame.stack)
        frame.stack[:0] = [0] * max(0, missing)
        del frame.stack[1023:]


def go_on(honest, op: int, frame: Frame) -> None:
    """Run an instruction; if it halts all the same, pop and push what it would have."""
    stack = frame.stack.copy()
    try:
        honest(frame)
    except ExceptionalHalt:
        arity = ARITY[Op(op)]
        frame.stack[:] = stack[: len(stack) - arity.inputs] + [0] * arity.outputs


def failing_rows(trace: Trace) -> list[int]:
    frames = trace.frames
    failed = (frames.halt >= Halt.OUT_OF_GAS) & (frames.end_row >= 0)
    return frames.end_row[failed].tolist()


def ending_rows(trace: Trace) -> list[int]:
    frames = trace.frames
    return frames.end_row[(frames.halt < Halt.OUT_OF_GAS) & (frames.end_row >= 0)].tolist()


def rows_of(*opcodes: int) -> Callable[[Trace], list[int]]:
    return lambda trace: [n for n, op in enumerate(trace.rows.op.tolist()) if op in opcodes]


def with_memory(trace: Trace) -> list[int]:
    return np.flatnonzero(trace.rows.msize).tolist()


READING_CALL_DATA = (Op.CALLDATALOAD, Op.CALLDATACOPY, Op.CALLDATASIZE)
READING_RETURN_DATA = (Op.RETURNDATASIZE, Op.RETURNDATACOPY)
CALLING = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL, Op.CREATE, Op.CREATE2)

# Cheats.


def other_word(random: Random, word: int) -> int:
    """Another word: near, off by a power of two, negated, or a notable one."""
    others = (
        word + 1, word - 1, word ^ 1 << random.randrange(256), -word, word << 128, word >> 128,
        random.choice(INTERESTING), random.getrandbits(256),
    )  # fmt: skip
    found = random.choice(others) % WORD
    return found if found != word else (word + 1) % WORD


def chosen(random: Random, options):
    options = list(options)
    if not options:
        raise ImpossibleError
    return random.choice(options)


def stack_value(frame: Frame, random: Random) -> None:
    depth = chosen(random, range(min(len(frame.stack), 17)))
    frame.stack[-1 - depth] = other_word(random, frame.stack[-1 - depth])


def result(frame: Frame, random: Random) -> None:
    if frame.stack:
        frame.stack[-1] = other_word(random, frame.stack[-1])


def more_stack(frame: Frame, random: Random) -> None:
    frame.stack.append(random.choice(INTERESTING))


def less_stack(frame: Frame, random: Random) -> None:
    del frame.stack[chosen(random, range(len(frame.stack)))]


def gas(frame: Frame, random: Random) -> None:
    frame.gas += random.choice((1, -1, 2, 100, 2300, -2300, 2**20, -(frame.gas // 64)))
    if not 0 <= frame.gas < 1 << 64:
        raise ImpossibleError


def pc(frame: Frame, random: Random) -> None:
    frame.pc = (frame.pc + random.choice((1, -1, 2, 32))) % len(frame.code_bytes)


def memory(frame: Frame, random: Random) -> None:
    frame.memory[chosen(random, range(len(frame.memory)))] ^= 1 << random.randrange(8)


def memory_told(frame: Frame, random: Random) -> None:
    place = chosen(random, range(len(frame.memory)))
    frame.memory[place] ^= 1 << random.randrange(8)
    frame.machine.recorder.memory_written(frame, place, 1)


def memory_size(frame: Frame, random: Random) -> None:
    if random.random() < 0.5 and frame.memory:
        del frame.memory[-32:]
    else:
        frame.memory.extend(bytes(32))


def operand(frame: Frame, places: Mapping[Op, int]) -> int | None:
    """What the instruction to come says at its place in a table of operands."""
    op = frame.code_bytes[frame.pc]
    place = places.get(Op(op)) if op in ARITY else None
    if place is None or len(frame.stack) <= place:
        return None
    return frame.stack[-1 - place]


def _slot(state: State, random: Random) -> tuple[int, int]:
    slots = [(a, k) for a, held in state._storages.items() for k in held]
    slots += [(a, k) for a, k in state._recorder._examined if k is not None]
    return chosen(random, sorted(slots))


def _account(state: State, random: Random) -> int:
    return chosen(random, sorted({*state._balances, *state._nonces, *state._warm_accounts}))


def silently(cheat: Callable[[State, Random], None]) -> Cheat:
    """A change of the state that nobody is told of."""
    return lambda frame, random: cheat(frame.machine.state, random)


def storage(state: State, random: Random) -> None:
    address, key = _slot(state, random)
    slots = state._storages.setdefault(address, {})
    slots[key] = other_word(random, slots.get(key, 0))


def storage_told(state: State, random: Random) -> None:
    address, key = _slot(state, random)
    state.store(address, key, other_word(random, state.storage(address, key)))


def transient(frame: Frame, random: Random) -> None:
    key, state = operand(frame, KEY_OPERAND), frame.machine.state
    slot = (frame.address, 1 if key is None else key)
    state._transient[slot] = other_word(random, state._transient.get(slot, 0))


def balance(state: State, random: Random) -> None:
    address = _account(state, random)
    state._balances[address] = other_word(random, state.balance(address))


def balance_told(state: State, random: Random) -> None:
    address = _account(state, random)
    state.set_balance(address, other_word(random, state.balance(address)))


def nonce(state: State, random: Random) -> None:
    address = _account(state, random)
    state._nonces[address] = state.nonce(address) + 1


def code(state: State, random: Random) -> None:
    address = _account(state, random)
    held = state.code(address).data
    state._codes[address] = Code(b"" if held and random.random() < 0.3 else held + b"\0")


def warm_account(frame: Frame, random: Random) -> None:
    """Of the account that the instruction accesses."""
    accessed, state = operand(frame, ADDRESS_OPERAND), frame.machine.state
    address = _account(state, random) if accessed is None else accessed % (1 << 160)
    _flip(state._warm_accounts, address)


def warm_slot(frame: Frame, random: Random) -> None:
    """Of the slot that the instruction accesses."""
    key, state = operand(frame, KEY_OPERAND), frame.machine.state
    _flip(state._warm_slots, _slot(state, random) if key is None else (frame.address, key))


def original(frame: Frame, random: Random) -> None:
    key, state = operand(frame, KEY_OPERAND), frame.machine.state
    slot = _slot(state, random) if key is None else (frame.address, key)
    state._originals[slot] = other_word(random, state.original_storage(*slot))


def created(state: State, random: Random) -> None:
    _flip(state._created, _account(state, random))


def destroyed(state: State, random: Random) -> None:
    _flip(state._destroyed, _account(state, random))


def _flip(marks: dict, key) -> None:
    if marks.pop(key, None) is None:
        marks[key] = True


def refund(frame: Frame, random: Random) -> None:
    frame.machine.refund += random.choice((1, 100, 4800, -1))


def log_more(frame: Frame, random: Random) -> None:
    machine = frame.machine
    log = Log(frame.address, (random.choice(INTERESTING),), b"\1" * random.randrange(40))
    machine.logs.append(log)
    machine.recorder._logs.append(TraceLog(machine.recorder._row, *_fields(log)))


def log_less(frame: Frame, random: Random) -> None:
    machine = frame.machine
    place = chosen(random, range(len(machine.logs)))
    del machine.logs[place], machine.recorder._logs[place]


def log_other(frame: Frame, random: Random) -> None:
    machine = frame.machine
    place = chosen(random, range(len(machine.logs)))
    held = machine.logs[place]
    others = (
        replace(held, address=held.address ^ 1),
        replace(held, data=held.data + b"\1"),
        replace(held, data=held.data[:-1]),
        replace(held, topics=(*held.topics[:3], 5)),
    )
    machine.logs[place] = other = random.choice(others)
    row = machine.recorder._logs[place].row
    machine.recorder._logs[place] = TraceLog(row, *_fields(other))


def _fields(log: Log):
    return log.address, log.topics, log.data


def frame_constant(name: str) -> Cheat:
    def cheat(frame: Frame, random: Random) -> None:
        held = getattr(frame, name)
        if isinstance(held, bool):
            setattr(frame, name, not held)
        elif isinstance(held, bytes):
            at = random.randrange(len(held) + 1)
            bent = bytes(b ^ (i == at) for i, b in enumerate(held))
            setattr(frame, name, bent if at < len(held) else held + b"\1")
        else:
            bits = 160 if name in ("address", "caller", "code_address") else 256
            setattr(frame, name, other_word(random, held) % (1 << bits))

    return cheat


def of_child(name: str) -> Cheat:
    """The same of the frame that a call or creation has opened."""

    def cheat(frame: Frame, random: Random) -> None:
        if frame.child is None:
            raise ImpossibleError
        frame_constant(name)(frame.child, random)

    return cheat


def child_gas(frame: Frame, random: Random) -> None:
    if frame.child is None:
        raise ImpossibleError
    gas(frame.child, random)


def depth(frame: Frame, random: Random) -> None:
    frame.depth += random.choice((1, -1, 1000))
    if frame.depth < 0:
        raise ImpossibleError


def other_range(name: str) -> Cheat:
    def cheat(frame: Frame, random: Random) -> None:
        offset, length = getattr(frame, name)
        setattr(frame, name, random.choice(((offset + 1, length), (offset, length + 1), (0, 0))))

    return cheat


def fail(frame: Frame, random: Random) -> None:
    raise ExceptionalHalt(random.choice(HALTS))


def stop(frame: Frame, random: Random) -> None:
    ways = (Halt.STOP, Halt.RETURN, Halt.REVERT)
    frame.stop(random.choice(ways), 0, min(len(frame.memory), random.randrange(40)))


def other_end(frame: Frame, random: Random) -> None:
    if random.random() < 0.5:
        frame.success = not frame.success
    else:
        frame.halt = Halt.REVERT if frame.halt is not Halt.REVERT else Halt.RETURN
        frame.success = frame.halt is not Halt.REVERT


def other_output(frame: Frame, random: Random) -> None:
    frame.output = bytes(b ^ 1 for b in frame.output) or b"\1"


def skipped(frame: Frame, random: Random) -> None:
    op, _ = frame.machine.recorder.instruction
    arity = ARITY[op]
    del frame.stack[len(frame.stack) - arity.inputs :]
    frame.stack += [0] * arity.outputs


def repeated(frame: Frame, random: Random) -> None:
    _, honest = frame.machine.recorder.instruction
    honest(frame)
    honest(frame)


def again(frame: Frame, random: Random) -> None:
    at = frame.pc - 1
    _, honest = frame.machine.recorder.instruction
    honest(frame)
    frame.pc = at


def another(frame: Frame, random: Random) -> None:
    """Another instruction that pops and pushes as much."""
    op, _ = frame.machine.recorder.instruction
    known = frame.machine.fork.instructions
    like = [o for o in known if ARITY[o].inputs == ARITY[op].inputs]
    like = [o for o in like if ARITY[o].outputs == ARITY[op].outputs and o != op]
    frame.machine.recorder.at = -1  # what is run is the honest instruction
    known[chosen(random, like)](frame)


KINDS: dict[str, Kind] = {
    "stack value": Kind(stack_value),
    "result": Kind(result, "after"),
    "one word more": Kind(more_stack, "after"),
    "one word less": Kind(less_stack, "after"),
    "gas before": Kind(gas),
    "gas after": Kind(gas, "after"),
    "pc": Kind(pc, "after"),
    "memory": Kind(memory, where=with_memory),
    "memory, told": Kind(memory_told, "after", with_memory),
    "memory size": Kind(memory_size),
    "storage": Kind(silently(storage)),
    "storage, told": Kind(silently(storage_told)),
    "original value": Kind(original, where=rows_of(Op.SSTORE)),
    "transient": Kind(transient, where=rows_of(Op.TLOAD, Op.TSTORE)),
    "balance": Kind(silently(balance)),
    "balance, told": Kind(silently(balance_told)),
    "nonce": Kind(silently(nonce)),
    "code": Kind(silently(code)),
    "warm account": Kind(warm_account, where=rows_of(*ADDRESS_OPERAND)),
    "warm slot": Kind(warm_slot, where=rows_of(Op.SLOAD, Op.SSTORE)),
    "created": Kind(silently(created)),
    "destroyed": Kind(silently(destroyed)),
    "refund": Kind(refund),
    "a log more": Kind(log_more),
    "a log less": Kind(log_less, "after", rows_of(*range(Op.LOG0, Op.LOG4 + 1))),
    "another log": Kind(log_other, "after", rows_of(*range(Op.LOG0, Op.LOG4 + 1))),
    **{f"frame's {name}": Kind(frame_constant(name)) for name in (
        "static", "caller", "value", "address",
    )},
    "call data": Kind(frame_constant("call_data"), where=rows_of(*READING_CALL_DATA)),
    "return data": Kind(frame_constant("return_data"), where=rows_of(*READING_RETURN_DATA)),
    **{f"child's {name}": Kind(of_child(name), "after", rows_of(*CALLING)) for name in (
        "static", "caller", "value", "address", "moves_value", "call_data",
    )},
    "child's gas": Kind(child_gas, "after", rows_of(*CALLING)),
    "frame's depth": Kind(depth),
    "frame's input": Kind(other_range("input_range")),
    "frame's output": Kind(other_range("out_range")),
    "failure for success": Kind(fail),
    "success for failure": Kind(fail, "rescue", failing_rows),
    "end without its opcode": Kind(stop, "after"),
    "another end": Kind(other_end, "after", ending_rows),
    "another output": Kind(other_output, "after", ending_rows),
    "skipped": Kind(skipped, "instead"),
    "repeated": Kind(repeated, "instead"),
    "run again": Kind(again, "instead"),
    "another instruction": Kind(another, "instead"),
}  # fmt: skip
