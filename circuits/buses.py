"""Every bus of the circuit.

A message's first line of defence is its number: it enters the fingerprint, so messages of two buses
never meet.  Words travel as two 128-bit halves.  Who guarantees the range of an element is said in
the comment: the sender of a token or the provider of a lookup, unless stated otherwise.
"""

from enum import IntEnum

from zkevm.plonkish.table import Bus, BusKind


class TransactionField(IntEnum):
    """The fields of the `tx` bus: addresses and numbers are words; an index counts repeats."""

    SENDER = 1
    NONCE = 2
    GAS_LIMIT = 3
    MAX_FEE = 4
    PRIORITY_FEE = 5
    TO = 6
    VALUE = 7
    DATA_LENGTH = 8
    DATA = 9  # a word of the data, zero-padded
    LIST_LENGTH = 10  # entries of the access list: addresses and keys, each counted
    LIST_ADDRESS = 11
    LIST_OWNER = 12  # of the key with the same index
    LIST_KEY = 13
    BLOB_COUNT = 14
    GAS_PRICE = 15  # from here on: proven by `begin_tx`, not stated
    FLOOR = 16  # what the transaction pays at least (EIP-7623)
    CREATION = 17  # 1, stated where there is no recipient
    MAX_BLOB_FEE = 18  # stated where there are blobs
    AUTHORITY_COUNT = 19  # authorizations (EIP-7702)
    AUTHORITY_CHAIN = 20
    AUTHORITY_TARGET = 21  # to which the authority delegates
    AUTHORITY_NONCE = 22
    AUTHORITY = 23  # who signed
    AUTHORITY_SIGNED = 24  # 1; 0 where the signature is none, and AUTHORITY is 0


class CopyKind(IntEnum):
    """Where the `copy` bus takes bytes from, and where it puts them.

    The id of a copy is the clock at which it reads; it writes one tick later.  Bytes from
    `source_end` on, which is at most `source_index` + `left`, are zero.  A request carries 0.
    """

    MEMORY = 1  # of a frame, or a data frame
    CODE = 2
    ABSORB = 3  # lanes of a sponge
    LANES = 4  # a stream of lanes


class OrderOf(IntEnum):
    """What the `order` bus numbers.  The verifier sends the first token of each."""

    ACCOUNTS = 1
    SLOTS = 2
    TRANSIENT_SLOTS = 3
    KECCAK_BLOCKS = 4  # keys 0; the number of the next block, from 1; the statement has both ends


LOG_STREAM = 1 << 40
LOG_STREAM_SCOPE = 1 << 20
"""The data of log j of scope t are the lanes of stream LOG_STREAM + LOG_STREAM_SCOPE * t + j."""


class Phase(IntEnum):
    """Where the `scope` chain stands."""

    BETWEEN = 0
    INSIDE = 1
    OVER = 2


class ListKind(IntEnum):
    """Which list of a transaction the `list` chain runs through."""

    DATA = 1
    ACCESS = 2
    DESTROYED = 3
    AUTHORITIES = 4


LIST_START = 3
"""Ticks of a transaction before its access list: sender, target, coinbase."""


def _token(number: int, name: str, fields: str) -> Bus:
    return Bus(name, number, BusKind.TOKEN, tuple(fields.split()))


def _lookup(number: int, name: str, fields: str) -> Bus:
    return Bus(name, number, BusKind.LOOKUP, tuple(fields.split()))


# What runs through all steps.  sp in [0, 1024]; gas has no range of its own (CIRCUITS.md section
# 7).
STATE = _token(1, "state", "clock frame code pc sp gas msize undo journal")

# Cells of the machine: an access receives the token left by the one before and sends its own.
STACK = _token(2, "stack", "frame index lo hi clock")
MEMORY = _token(3, "memory", "frame index lo hi clock")
STORAGE = _token(
    4,
    "storage",
    "store key_lo key_hi value_lo value_hi original_lo original_hi warm scope clock",
)
TRANSIENT = _token(5, "transient", "store key_lo key_hi value_lo value_hi scope clock")
ACCOUNT = _token(6, "account", "address field v0 v1 v2 clock")

# Frames.
CALLER = _token(7, "caller", "callee frame code pc sp gas msize undo journal out_offset out_size")
RETURNED = _token(8, "returned", "frame data_frame offset length clock")
OPEN = _token(
    9,
    "open",
    "frame parent kind address store caller value_lo value_hi data_frame data_offset data_length"
    " code success static_call scope",
)
ENDED = _token(10, "ended", "frame clock success gas data_frame offset length undo journal")
UNDO_ACCOUNT = _token(11, "undo_account", "address field new0 new1 new2 old0 old1 old2 clock")
UNDO_STORAGE = _token(
    12,
    "undo_storage",
    "store key_lo key_hi new_lo new_hi old_lo old_hi original_lo original_hi old_warm scope clock",
)
UNDO_TRANSIENT = _token(
    13, "undo_transient", "store key_lo key_hi new_lo new_hi old_lo old_hi scope clock"
)
EXPAND = _token(14, "expand", "frame from to cost")
GROW = _token(15, "grow", "frame index end")
COPY = _token(
    16,
    "copy",
    "id source_kind source source_index source_end dest_kind dest dest_index left"
    " carry_lo carry_hi",
)
PATCH = _token(34, "patch", "id dest_kind dest index start valid stop lo hi")
JOURNAL_NEW = _token(17, "journal_new", "id refund logs destroyed")
LANE = _token(18, "lane", "stream index value")
SPONGE = _token(19, "sponge", "sponge block left s0 s1 s2 s3 s4 s5 s6 s7 s8 s9")
KECCAK_F = _token(20, "keccak_f", "permutation round s0 s1 s2 s3 s4 s5 s6 s7 s8 s9")
LOG = _token(21, "log", "scope index part a b")
SCOPE = _token(22, "scope", "scope phase transaction gas_used blob_gas_used log_base clock")
LIST = _token(23, "list", "scope kind index clock count_a count_b")
ORDER = _token(24, "order", "table key0 key1 key2 number")
CODE = _token(25, "code", "position code left push_left sponge")
PRE = _token(27, "pre", "address field key_lo key_hi lo hi")
POST = _token(28, "post", "address field key_lo key_hi lo hi")
# At S1 the verifier sends the codes: a claim for each (its keccak checked by itself, its id the
# position of its header on the code chain) and its words, zero-padded (index counts words of 32
# bytes).
CODE_CLAIM = _token(30, "code_claim", "code hash_lo hash_hi length delegated target")
CODE_DATA = _token(31, "code_data", "code index lo hi")
# What the statement says of block and transaction, each value once; `public_values` offers them to
# lookups.
PUBLIC = _token(32, "public", "kind key field index lo hi")
RECEIPT = _token(33, "receipt", "scope success gas_used logs")
EXP = _token(29, "exp", "id limb_index bits_left limb stored base_lo base_hi acc_lo acc_hi")

# Lookups.
FETCH = _lookup(40, "fetch", "code pc byte instruction jumpdest")
PUSH = _lookup(41, "push", "code pc size lo hi")
CODE_WORD = _lookup(42, "code_word", "code index lo hi")
CODE_INFO = _lookup(43, "code_info", "hash_lo hash_hi code length delegated target")
CODE_LENGTH = _lookup(44, "code_length", "code length")
FRAME_STORE = _lookup(45, "frame_store", "frame store scope static undone eor")
FRAME_SELF = _lookup(
    46, "frame_self", "frame address caller value_lo value_hi depth scope static undone eor"
)
FRAME_DATA = _lookup(47, "frame_data", "frame data_frame offset length")
FRAME_END = _lookup(48, "frame_end", "frame kind success eor")
FRAME_CONTEXT = _lookup(67, "frame_context", "frame depth scope static undone eor")
ENV = _lookup(49, "env", "key opcode lo hi")
JOURNAL = _lookup(50, "journal", "id refund logs destroyed")
TX = _lookup(51, "tx", "scope field index lo hi")
ANCESTOR = _lookup(52, "ancestor", "number hash_lo hash_hi")
BLOB_HASH = _lookup(53, "blob_hash", "scope index lo hi")
ABSORB = _lookup(54, "absorb", "sponge index lane")
KECCAK = _lookup(55, "keccak", "sponge length digest_lo digest_hi")
MUL = _lookup(56, "mul", "a_lo a_hi b_lo b_hi c_lo c_hi")
PRECOMPILE = _lookup(57, "precompile", "address is_precompile")
STORE_STATUS = _lookup(58, "store_status", "store alive address")
RANGE16 = _lookup(60, "range16", "value")
BYTES = _lookup(61, "bytes", "a b")
AND8 = _lookup(62, "and8", "a b a_and_b")
POW2 = _lookup(63, "pow2", "exponent power")
OPCODE = _lookup(64, "opcode", "opcode valid min_sp max_sp gas")
PUSH_STEP = _lookup(65, "push_step", "left byte next_left instruction jumpdest")
ROUND_CONSTANT = _lookup(66, "round_constant", "round constant")

BUSES: tuple[Bus, ...] = tuple(b for b in list(globals().values()) if isinstance(b, Bus))
