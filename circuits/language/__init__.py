"""What a gadget file imports."""

from circuits.execution.steps import Steps
from circuits.language.access import (
    AccountAccess,
    MemoryAccess,
    MemoryBytesAccess,
    ReturnedAccess,
    StorageAccess,
    TokenAccess,
    TransientAccess,
)
from circuits.language.builder import Builder
from circuits.language.columns import U16, Bit, Bits, Bytes, Cells, OneHot, Row, Uint
from circuits.language.gadget import Gadget, TableGadget
from circuits.language.memory import Growth, Larger, MemoryRange, WordCount, range_end, word_count
from circuits.language.part import Cell, Fixed, Part
from circuits.language.plan import Plan, keys, values
from circuits.language.step import Next, Peeked, Popped, Pushed, StepGadget
from circuits.language.witness import Witness
from circuits.language.words import (
    ByteWord,
    Halves,
    LimbWord,
    Octets,
    Word,
    WordExpr,
    constant,
    select,
    word,
)
from zkevm.plonkish.expression import ColumnType, Expr, lift, recompose, total

__all__ = [
    "U16",
    "AccountAccess",
    "Bit",
    "Bits",
    "Builder",
    "ByteWord",
    "Bytes",
    "Cell",
    "Cells",
    "ColumnType",
    "Expr",
    "Fixed",
    "Gadget",
    "Growth",
    "Halves",
    "Larger",
    "LimbWord",
    "MemoryAccess",
    "MemoryBytesAccess",
    "MemoryRange",
    "Next",
    "Octets",
    "OneHot",
    "Part",
    "Peeked",
    "Plan",
    "Popped",
    "Pushed",
    "ReturnedAccess",
    "Row",
    "StepGadget",
    "Steps",
    "StorageAccess",
    "TableGadget",
    "TokenAccess",
    "TransientAccess",
    "Uint",
    "Witness",
    "Word",
    "WordCount",
    "WordExpr",
    "constant",
    "keys",
    "lift",
    "range_end",
    "recompose",
    "select",
    "total",
    "values",
    "word",
    "word_count",
]
