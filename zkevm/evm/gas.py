"""The gas schedule: constants of the yellow paper's appendix G, and the costs made of them.

What differs between the supported forks is in `zkevm.evm.forks`.
"""

BASE = 2
VERY_LOW = 3
LOW = 5
MID = 8
HIGH = 10
JUMPDEST = 1

KECCAK256 = 30
KECCAK256_WORD = 6
COPY_WORD = 3
EXP = 10
EXP_BYTE = 50
BLOCKHASH = 20
LOG = 375
LOG_TOPIC = 375
LOG_DATA_BYTE = 8
MEMORY_WORD = 3
MEMORY_QUADRATIC_DIVISOR = 512

# Access (EIP-2929).
WARM_ACCESS = 100
COLD_ACCOUNT = 2600
COLD_SLOT = 2100

# Storage (EIP-2200, 3529): writing a clean slot, and what clearing one gives back.
STORAGE_SET = 20000
STORAGE_RESET = 5000 - COLD_SLOT
STORAGE_CLEAR_REFUND = 4800
STORAGE_STIPEND = 2300

CALL_VALUE = 9000
CALL_STIPEND = 2300
NEW_ACCOUNT = 25000
SELFDESTRUCT = 5000
CREATE = 32000
CODE_DEPOSIT_BYTE = 200
INIT_CODE_WORD = 2

# Transactions (EIP-2028, 2930, 3860, 7623, 7702).
TRANSACTION = 21000
TRANSACTION_CREATE = 32000
DATA_TOKEN = 4
DATA_TOKENS_PER_NONZERO_BYTE = 4
DATA_TOKEN_FLOOR = 10
ACCESS_LIST_ADDRESS = 2400
ACCESS_LIST_KEY = 1900
AUTHORIZATION_NEW_ACCOUNT = 25000
AUTHORIZATION = 12500
BLOB = 2**17
BLOB_EXECUTION = 2**13
"""What a blob is worth at least, in execution gas (EIP-7918)."""


def words(size: int) -> int:
    """Return the number of 32-byte words that `size` bytes occupy."""
    return (size + 31) >> 5


def memory_cost(size_in_words: int) -> int:
    """Return the cost of having that many words of active memory."""
    return MEMORY_WORD * size_in_words + size_in_words * size_in_words // MEMORY_QUADRATIC_DIVISOR


def all_but_one_64th(gas: int) -> int:
    """Return the most gas that a caller with `gas` left may give to a child (EIP-150)."""
    return gas - gas // 64


def init_code_cost(size: int) -> int:
    """Return the cost of `size` bytes of init code (EIP-3860)."""
    return INIT_CODE_WORD * words(size)
