"""The command line: a thin face of `zkevm.api`.

Results go to standard output, everything else to standard error. Errors of the `ZkevmError` family
become one line and their exit code.
"""

import os

from zkevm.cli.group import Verb, VerbGroup

# The BLAS of numpy, which nothing here uses, would start a thread a core and let them spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

main = VerbGroup(
    name="zkevm",
    help="Execute, check and prove Ethereum transactions, and verify the proofs.",
    verbs={
        "run": Verb(
            "zkevm.cli.execution:run", "Execute a transaction, or a block with its witness."
        ),
        "trace": Verb("zkevm.cli.execution:trace", "Write every step of a transaction."),
        "check": Verb(
            "zkevm.cli.proving:check",
            "Check every constraint of a transaction, or of several of a block.",
        ),
        "prove": Verb("zkevm.cli.proving:prove", "Prove a transaction, or several of a block."),
        "verify": Verb("zkevm.cli.proving:verify", "Verify a proof and print what it says."),
        "statetest": Verb(
            "zkevm.cli.statetest:statetest",
            "Replay test fixtures, one result for each test, fork and index.",
        ),
        "t8n": Verb(
            "zkevm.cli.t8n:t8n",
            "Execute the body of a block: the transition tool of geth and of the specification.",
        ),
        "info": Verb("zkevm.cli.info:info", "Describe the circuit."),
        "setup": Verb(
            "zkevm.cli.setup:setup", "Make, import, check and describe trusted setups (SRS files)."
        ),
    },
)
"""Entry point of the `zkevm` script."""
