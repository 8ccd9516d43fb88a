"""The command line: a thin face of `zkevm.api`.

Results go to standard output, everything else to standard error. Errors of the `ZkevmError` family
become one line and their exit code.
"""

from zkevm.cli.group import VerbGroup

main = VerbGroup(
    name="zkevm",
    help="Execute, check and prove Ethereum transactions, and verify the proofs.",
    verbs={
        "run": "zkevm.cli.execution:run",
        "trace": "zkevm.cli.execution:trace",
        "check": "zkevm.cli.proving:check",
        "prove": "zkevm.cli.proving:prove",
        "verify": "zkevm.cli.proving:verify",
        "statetest": "zkevm.cli.statetest:statetest",
        "t8n": "zkevm.cli.t8n:t8n",
        "info": "zkevm.cli.info:info",
        "setup": "zkevm.cli.setup:setup",
    },
)
"""Entry point of the `zkevm` script."""
