"""The beginning of a transaction that carries blobs (EIP-4844).

Relation.  As in `begin_call`; the blobs' gas, 2^17 each, is paid at the block's blob base fee,
           which is at most what the sender would pay, and goes to nobody.
Argument.  Beginnings of other kinds look up that there are no blobs, or know it.  Their number, the
           versions of their hashes and the limits of the fork are checked with the statement.
"""

from __future__ import annotations

from circuits.buses import ENV, TX, TransactionField
from circuits.execution.amounts import Amounts
from circuits.language import Builder, Cell, ColumnType, Plan, Witness
from circuits.language.arrays import one_word
from circuits.language.compare import AtLeast
from circuits.language.money import PRICE_BITS
from circuits.language.payer import BlobPayer, Offer
from circuits.tables.begin_call import BeginTransaction
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import Transaction
from zkevm.plonkish.expression import Expr


class BeginBlobs(BeginTransaction):
    """A row for each call with blobs."""

    name = "begin_blobs"

    blobs = Cell(ColumnType.U16)
    blob_base_fee = Cell(ColumnType.U128)
    max_blob_fee = Cell(ColumnType.U128)
    payer = BlobPayer()
    fee_suffices = AtLeast(PRICE_BITS)

    @property
    def blob_count(self) -> Expr:
        return self.blobs

    def accepts(self, transaction: Transaction) -> bool:
        return bool(transaction.blob_versioned_hashes)

    def declare_blobs(self, c: Builder) -> Offer:
        most = (self.scope, TransactionField.MAX_BLOB_FEE, 0, self.max_blob_fee, 0)
        c.request(TX, self.real, *most, label="the max blob fee")
        price = (0, Op.BLOBBASEFEE, self.blob_base_fee, 0)
        c.request(ENV, self.real, *price, label="the block's blobbasefee")
        self.fee_suffices.use(c, self.max_blob_fee, self.blob_base_fee)
        return Offer(gas.BLOB * self.blobs, self.blob_base_fee, self.max_blob_fee)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        super().fill_frame(w, plan, amounts)
        trace = plan.execution.trace
        price, most = trace.environment.blob_base_fee, trace.transaction.max_fee_per_blob_gas
        for part, value in (
            (self.blobs, len(trace.transaction.blob_versioned_hashes)),
            (self.blob_base_fee, price),
            (self.max_blob_fee, most),
            (self.fee_suffices, most - price),
        ):
            w[part] = one_word(value)
