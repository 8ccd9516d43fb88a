"""The transition tool: executes the body of a block from JSON to JSON.

The protocol of geth's `evm t8n` and of the execution specification's: an *alloc* (accounts), an
*env* (header values and those of the parent) and *txs* give the alloc after the block and a result.

Source: go-ethereum, cmd/evm/README.md, "State transition tool".
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from zkevm.evm.block import BlockEnvironment
from zkevm.evm.block_transition import BlockResult, apply_body
from zkevm.evm.block_validity import InvalidBlock
from zkevm.evm.execute import logs_hash
from zkevm.evm.fork import Fork
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.receipts import BlockReceipt
from zkevm.evm.rlp import Encodable, rlp_decode, rlp_encode
from zkevm.evm.state import Account, State
from zkevm.evm.transaction import Log, SignedTransaction, Transaction, TransactionType
from zkevm.evm.transition_inputs import Inputs
from zkevm.evm.validity import InvalidTransaction

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a transition yields, as JSON values."""

    alloc: Json
    result: Json
    body: str
    """The executed transactions, RLP in hexadecimal."""


def transition(fork: Fork, chain_id: int, inputs: Inputs) -> Outputs:
    """Execute the body of a block, leaving out transactions that are invalid.

    If the block could not be valid whatever its header says, its requests are left out, and the
    result has the reason as `blockException`.
    """
    given = inputs.transactions
    readable = [i for i, each in enumerate(given) if isinstance(each, SignedTransaction)]
    transactions = [each for each in given if isinstance(each, SignedTransaction)]

    def run(rules: Fork) -> tuple[State, BlockResult]:
        state = State(inputs.accounts)
        body = apply_body(
            rules,
            chain_id,
            state,
            inputs.environment,
            transactions,
            inputs.withdrawals,
            inputs.parent_beacon_block_root,
            skip_invalid=True,
        )
        return state, body

    exception = {}
    try:
        state, body = run(fork)
    except InvalidBlock as error:
        state, body = run(replace(fork, deposit_contract=None, request_contracts={}))
        exception["blockException"] = str(error)
    rejected = {
        i: str(each) for i, each in enumerate(given) if isinstance(each, InvalidTransaction)
    }
    rejected |= {readable[i]: str(error) for i, error in body.rejected}
    result = _result_json(fork, inputs.environment, state, body)
    result["rejected"] = [{"index": i, "error": rejected[i]} for i in sorted(rejected)]
    return Outputs(_alloc_json(state), {**result, **exception}, _hex(_body_of(body.transactions)))


def _body_of(transactions: Iterable[SignedTransaction]) -> bytes:
    """The transactions as the body of a block lists them: legacy ones as lists, others as bytes."""
    items: list[Encodable] = [
        rlp_decode(each.encoded)
        if each.transaction.type is TransactionType.LEGACY
        else each.encoded
        for each in transactions
    ]
    return rlp_encode(items)


def _result_json(
    fork: Fork, environment: BlockEnvironment, state: State, body: BlockResult
) -> Json:
    result: Json = {
        "stateRoot": _hex(state.root()),
        "txRoot": _hex(body.transactions_root),
        "receiptsRoot": _hex(body.receipts_root),
        "logsHash": _word(logs_hash(body.logs)),
        "logsBloom": _hex(body.logs_bloom),
        "receipts": _receipts_json(body),
        "currentDifficulty": None,
        "gasUsed": hex(body.gas_used),
        "currentBaseFee": hex(environment.base_fee),
        "withdrawalsRoot": _hex(body.withdrawals_root),
        "currentExcessBlobGas": hex(environment.excess_blob_gas),
        "blobGasUsed": hex(body.blob_gas_used),
    }
    if fork.has_requests:
        result["requestsHash"] = _hex(body.requests_hash)
        result["requests"] = [_hex(request) for request in body.requests]
    return result


def _receipts_json(body: BlockResult) -> list[Json]:
    before = 0
    found = []
    for i, (signed, receipt) in enumerate(zip(body.transactions, body.receipts, strict=True)):
        found.append(
            {
                **_receipt_json(receipt),
                "transactionHash": _hex(signed.hash),
                "transactionIndex": hex(i),
                "contractAddress": _contract_address(signed.transaction),
                "gasUsed": hex(receipt.cumulative_gas_used - before),
            }
        )
        before = receipt.cumulative_gas_used
    return found


def _receipt_json(receipt: BlockReceipt) -> Json:
    return {
        "type": hex(receipt.type),
        "status": hex(receipt.outcome.success),
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "logsBloom": _hex(receipt.logs_bloom),
        "logs": [_log_json(log) for log in receipt.outcome.logs],
    }


def _log_json(log: Log) -> Json:
    return {
        "address": _address(log.address),
        "topics": [_word(topic) for topic in log.topics],
        "data": _hex(log.data),
    }


def _contract_address(transaction: Transaction) -> str:
    """Of the contract that the transaction creates, zero if it is none."""
    creates = transaction.to is None
    return _address(contract_address(transaction.sender, transaction.nonce) if creates else 0)


def _alloc_json(state: State) -> Json:
    """The accounts in the order of addresses; zero and empty fields are left out, balances not."""
    return {
        _address(address): _account_json(account)
        for address, account in sorted(state.accounts().items())
    }


def _account_json(account: Account) -> Json:
    found: Json = {"balance": hex(account.balance)}
    if account.nonce:
        found["nonce"] = hex(account.nonce)
    if account.code:
        found["code"] = _hex(account.code.data)
    storage = {_word(key): _word(value) for key, value in sorted(account.storage.items()) if value}
    return {**found, "storage": storage} if storage else found


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _word(value: int) -> str:
    return f"0x{value:064x}"


def _address(value: int) -> str:
    return f"0x{value:040x}"
