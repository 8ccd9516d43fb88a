"""The interpreter: the loop over instructions, and the opening and ending of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zkevm.evm import gas
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.events import Halt, Recorder
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.runs import Runs

if TYPE_CHECKING:
    from zkevm.evm.block import BlockEnvironment
    from zkevm.evm.fork import Fork
    from zkevm.evm.frame import Frame
    from zkevm.evm.state import State
    from zkevm.evm.transaction import Log, Transaction

INVALID_CODE_PREFIX = b"\xef"


class Machine:
    """What the frames of one transaction share, and the way they follow one another."""

    def __init__(
        self,
        fork: Fork,
        chain_id: int,
        state: State,
        environment: BlockEnvironment,
        transaction: Transaction,
        recorder: Recorder,
    ) -> None:
        self.fork = fork
        self.chain_id = chain_id
        self.state = state
        self.environment = environment
        self.transaction = transaction
        self.gas_price = transaction.effective_gas_price(environment.base_fee)
        self.recorder = recorder
        self.logs: list[Log] = []
        self.refund = 0
        self._frames = 0
        self._runs: dict[bytes, Runs] = {}
        """By padded code."""
        self._keeps_words = type(recorder) is not Recorder
        self._loop = self._run_each if self._keeps_words and recorder.every_step else self._run_runs

    def add_refund(self, change: int) -> None:
        """Change the refund counter."""
        self.refund += change
        self.recorder.refund_changed(self.refund)

    def log(self, log: Log) -> None:
        """Keep a log, unless the frame fails later."""
        self.logs.append(log)
        self.recorder.logged(log)

    def is_occupied(self, address: int) -> bool:
        """Whether no contract can be created there (EIP-684, 7610)."""
        state = self.state
        return bool(state.nonce(address) or state.code(address) or state.has_storage(address))

    def delegate_of(self, address: int) -> int | None:
        """Return the account whose code an account runs in place of its own, if there is one."""
        return self.state.code(address).delegate if self.fork.has_delegations else None

    def delegated_code(self, delegate: int) -> Code:
        """Return the code that runs by a delegation: none of a precompile, nor that (EIP-7702)."""
        return EMPTY_CODE if delegate in self.fork.precompiles else self.state.code(delegate)

    def run(self, root: Frame) -> None:
        """Run a frame and all it opens to the end."""
        self._open(root)
        frame = root
        while True:
            try:
                self._loop(frame)
            except ExceptionalHalt as exception:
                frame.halt = exception.halt
            if frame.child is not None:
                child, frame.child = frame.child, None
                self._open(child)
                frame = child
                continue
            self._end(frame)
            if frame.parent is None:
                return
            self._resume(frame.parent, frame)
            frame = frame.parent

    def fail_at_once(self, root: Frame, halt: Halt) -> None:
        """Let a root frame halt exceptionally before it has done anything."""
        root.halt = halt
        root.success = False
        root.gas = 0
        self.recorder.frame_opened(root)
        self.recorder.frame_ended(root)

    def _open(self, frame: Frame) -> None:
        frame.index = self._frames
        self._frames += 1
        frame.snapshot = (self.state.snapshot(), len(self.logs), self.refund)
        self.recorder.frame_opened(frame)
        if frame.is_create:
            self.state.mark_created(frame.address)
            self.state.set_nonce(frame.address, 1)
        if frame.moves_value:
            self.state.transfer(frame.caller, frame.address, frame.value)

    def _run_runs(self, frame: Frame) -> None:
        """Run instructions until the frame ends or opens a child, telling the recorder of runs."""
        code = frame.code_bytes
        runs = self._runs.get(code)
        if runs is None:
            runs = self._runs[code] = Runs(code, self.fork.dispatch, self._keeps_words)
        stack = frame.stack
        begun, cut = self.recorder.run, self.recorder.cut
        words = self.recorder.words if self._keeps_words else []
        while frame.running:
            run = runs[frame.pc]
            left = frame.gas - run.gas
            if left < 0 or len(stack) not in run.heights:
                self._run_each(frame)
                return
            begun(frame, run)
            frame.gas = left
            frame.pc = run.end
            if run.execute is None:
                runs.execute_each(run, frame, words)
            elif (shorter := run.execute(frame, words)) is not None:
                cut(run, shorter)
                frame.gas += run.gas - shorter.gas
                frame.pc = shorter.end
                shorter.instructions[-1][0](frame)

    def _run_each(self, frame: Frame) -> None:
        """Do the same by single instructions, telling the recorder of each."""
        instructions, bounds, costs = self.fork.dispatch
        code = frame.code_bytes
        stack = frame.stack
        step, executed = self.recorder.step, self.recorder.executed
        while frame.running:
            pc = frame.pc
            op = code[pc]
            step(frame, pc, op)
            if len(stack) not in bounds[op]:
                raise ExceptionalHalt(_stack_halt(len(stack), bounds[op]))
            left = frame.gas - costs[op]
            if left < 0:
                raise ExceptionalHalt(Halt.OUT_OF_GAS)
            frame.gas = left
            frame.pc = pc + 1
            instructions[op](frame)
            executed(op, stack)

    def _end(self, frame: Frame) -> None:
        """Keep or undo what the frame did."""
        if frame.success and frame.is_create:
            try:
                self._deposit(frame)
            except ExceptionalHalt as exception:
                frame.halt = exception.halt
        if frame.halt >= Halt.OUT_OF_GAS:
            frame.success = False
            frame.gas = 0
            frame.output = b""
            frame.output_offset = 0
        snapshot, logs, refund = frame.snapshot
        if frame.success:
            self.state.keep(snapshot)
        else:
            self.state.revert(snapshot)
            del self.logs[logs:]
            self.refund = refund
        self.recorder.frame_ended(frame)

    def _deposit(self, frame: Frame) -> None:
        """Make the output the code of the created account (EIP-170, 3541)."""
        if frame.output.startswith(INVALID_CODE_PREFIX):
            raise ExceptionalHalt(Halt.INVALID_CODE)
        frame.charge(gas.CODE_DEPOSIT_BYTE * len(frame.output))
        if len(frame.output) > self.fork.max_code_size:
            raise ExceptionalHalt(Halt.CODE_TOO_LARGE)
        code = Code(frame.output)
        self.state.set_code(frame.address, code)
        self.recorder.code_inspected(code)

    def _resume(self, frame: Frame, child: Frame) -> None:
        """Give the caller the gas, the output and the result of its child."""
        self.recorder.resumed(frame)
        frame.gas += child.gas
        if child.is_create:
            frame.return_data = b"" if child.success else child.output
            result = child.address if child.success else 0
        else:
            frame.return_data = child.output
            offset, length = child.out_range
            frame.write_memory(offset, child.output[:length])
            result = int(child.success)
        frame.stack.append(result)
        self.recorder.pushed(result)
        frame.running = True


def _stack_halt(height: int, bounds: range) -> Halt:
    return Halt.STACK_UNDERFLOW if height < bounds.start else Halt.STACK_OVERFLOW
