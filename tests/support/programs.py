"""Random EVM programs: mostly valid by construction, with a share of garbage."""

from hypothesis import strategies as st

from zkevm.evm.opcodes import ARITY, Op

CONTRACTS = tuple(0xC0DE00 + number for number in range(3))
"""The accounts that programs are put in, and call."""

SENDER = 0xAAAA00
MEMORY_OPERANDS = {
    Op.MLOAD: (0,),
    Op.MSTORE: (0,),
    Op.MSTORE8: (0,),
    Op.MCOPY: (0, 1, 2),
    Op.KECCAK256: (0, 1),
    Op.CALLDATACOPY: (0, 1, 2),
    Op.CODECOPY: (0, 1, 2),
    Op.EXTCODECOPY: (1, 2, 3),
    Op.RETURNDATACOPY: (0, 1, 2),
    Op.RETURN: (0, 1),
    Op.REVERT: (0, 1),
    Op.LOG0: (0, 1),
    Op.LOG1: (0, 1),
    Op.LOG2: (0, 1),
    Op.LOG3: (0, 1),
    Op.LOG4: (0, 1),
    Op.CREATE: (1, 2),
    Op.CREATE2: (1, 2),
    Op.CALL: (3, 4, 5, 6),
    Op.CALLCODE: (3, 4, 5, 6),
    Op.DELEGATECALL: (2, 3, 4, 5),
    Op.STATICCALL: (2, 3, 4, 5),
}
"""Which operands, from the top, are offsets and lengths of memory."""

# An environment that two machines may see differently is not worth comparing here.
EXCLUDED = frozenset({Op.BLOCKHASH, Op.STOP})

interesting = st.sampled_from(
    [
        *(0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 2**64 - 1, 2**64, 2**128, 2**160),
        *(2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1, *CONTRACTS, SENDER),
    ]
)
words = st.one_of(interesting, st.integers(0, 2**256 - 1), st.integers(0, 5))
sizes = st.one_of(
    st.integers(0, 100), st.integers(0, 100), st.sampled_from([2**14, 2**32, 2**256 - 1])
)
addresses = st.one_of(st.sampled_from([*CONTRACTS, SENDER, 0xDEAD, 2, 4]), words)


def push(word: int) -> bytes:
    """Return the shortest PUSH of a word."""
    data = word.to_bytes((word.bit_length() + 7) // 8, "big")
    return bytes((Op.PUSH0 + len(data),)) + data


ADDRESS_OPERAND = {
    **dict.fromkeys((Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL), 1),
    **dict.fromkeys((Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODECOPY, Op.EXTCODEHASH), 0),
    Op.SELFDESTRUCT: 0,
}
GAS_OPERAND = dict.fromkeys((Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL), 0)
VALUE_OPERAND = {Op.CALL: 2, Op.CALLCODE: 2, Op.CREATE: 0, Op.CREATE2: 0}
KEY_OPERAND = dict.fromkeys((Op.SLOAD, Op.SSTORE, Op.TLOAD, Op.TSTORE), 0)


def operand(op: Op, position: int) -> st.SearchStrategy[int]:
    """Values that let the instruction do something more often than not."""
    if position in MEMORY_OPERANDS.get(op, ()):
        return sizes
    for table, strategy in (
        (ADDRESS_OPERAND, addresses),
        (GAS_OPERAND, st.sampled_from([0, 100, 3_000, 30_000, 2**256 - 1])),
        (VALUE_OPERAND, st.sampled_from([0, 0, 1, 2**100])),
        (KEY_OPERAND, st.integers(0, 3)),
    ):
        if table.get(op) == position:
            return strategy
    return words


def instruction(op: Op) -> st.SearchStrategy[bytes]:
    """The opcode with its operands pushed before it, sometimes one too few."""
    if Op.PUSH1 <= op <= Op.PUSH32:
        size = op - Op.PUSH0
        return st.binary(min_size=size, max_size=size).map(lambda data: bytes((op,)) + data)
    if op in {Op.JUMP, Op.JUMPI}:
        # Over a byte that is not an instruction to a JUMPDEST, or before it.
        condition = st.integers(0, 1).map(push) if op is Op.JUMPI else st.just(b"")
        distance = st.sampled_from([6, 6, 6, 5])
        landing = bytes((Op.ADD, op, Op.INVALID, Op.JUMPDEST))
        return st.builds(
            lambda pushed, far: pushed + bytes((Op.PC, Op.PUSH1, far)) + landing,
            condition,
            distance,
        )
    count = ARITY[op].inputs
    operands = st.tuples(*(operand(op, position) for position in reversed(range(count))))
    missing = st.sampled_from([0, 0, 0, 1])
    return st.builds(
        lambda pushed, fewer: b"".join(map(push, pushed[fewer:])) + bytes((op,)), operands, missing
    )


instructions = st.one_of([instruction(op) for op in ARITY if op not in EXCLUDED])

filled_memory = st.lists(st.tuples(words, sizes), max_size=3).map(
    lambda stores: b"".join(
        push(word) + push(at % 128) + bytes((Op.MSTORE,)) for word, at in stores
    )
)

programs = st.builds(
    lambda begin, rest: begin + b"".join(rest),
    filled_memory,
    st.one_of(
        st.lists(instructions, min_size=1, max_size=30),
        st.lists(instructions, min_size=1, max_size=30),
        st.lists(st.one_of(instructions, st.binary(max_size=3)), max_size=20),
    ),
)
