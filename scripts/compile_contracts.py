"""Compile `fixtures/contracts/` and write one artefact beside each source.

    python scripts/compile_contracts.py

The compilers are development tools and stay out of the project's environment: solc comes from npm,
vyper from PyPI, each of a pinned version, each into its own folder under `build/compilers/`. Needs
`node`, `npm` and the network the first time.

An artefact `Erc20.sol.json` holds `source` and its SHA-256, `compiler` with the settings, `abi` and
the deployed `runtime` code as hex. State tests put the runtime code into the pre-state directly, so
no contract has immutables and no creation code is kept.
"""

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "fixtures" / "contracts"
COMPILERS = ROOT / "build" / "compilers"
SOLC_VERSION = "0.8.37"
VYPER_VERSION = "0.4.3"
EVM_VERSION = "cancun"
OPTIMIZER_RUNS = 200


def solidity_compiler() -> Path:
    """Path of the JavaScript solc, installed when absent."""
    folder = COMPILERS / f"solc-{SOLC_VERSION}"
    binary = folder / "node_modules" / ".bin" / "solcjs"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run([*command, f"solc@{SOLC_VERSION}"], check=True)
    return binary


def vyper_compiler() -> Path:
    """Path of vyper in a virtual environment of its own, installed when absent."""
    folder = COMPILERS / f"vyper-{VYPER_VERSION}"
    binary = folder / "bin" / "vyper"
    if not binary.exists():
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"vyper=={VYPER_VERSION}"], check=True)
    return binary


def compile_solidity(source: Path) -> dict[str, Any]:
    """Artefact of a Solidity file that holds one contract named like the file."""
    request = {
        "language": "Solidity",
        "sources": {source.name: {"content": source.read_text()}},
        "settings": {
            "evmVersion": EVM_VERSION,
            "optimizer": {"enabled": True, "runs": OPTIMIZER_RUNS},
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {"*": {"*": ["abi", "evm.deployedBytecode.object"]}},
        },
    }
    answer = subprocess.run(
        [solidity_compiler(), "--standard-json"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    result = json.loads(answer[answer.index("{") :])
    if "contracts" not in result:
        sys.exit("\n".join(error["formattedMessage"] for error in result["errors"]))
    contract = result["contracts"][source.name][source.stem]
    return artefact(
        source,
        f"solc {SOLC_VERSION}, {EVM_VERSION}, optimizer {OPTIMIZER_RUNS} runs",
        contract["abi"],
        "0x" + contract["evm"]["deployedBytecode"]["object"],
    )


def compile_vyper(source: Path) -> dict[str, Any]:
    """Artefact of a Vyper file."""
    command = [str(vyper_compiler()), "--evm-version", EVM_VERSION, "--optimize", "gas"]
    answer = subprocess.run(
        [*command, "-f", "abi,bytecode_runtime", str(source)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    abi, runtime = answer.splitlines()[:2]
    return artefact(
        source,
        f"vyper {VYPER_VERSION}, {EVM_VERSION}, optimize gas",
        json.loads(abi),
        runtime.strip(),
    )


def artefact(source: Path, compiler: str, abi: list[Any], runtime: str) -> dict[str, Any]:
    """Lay out what is written beside `source`."""
    return {
        "source": source.name,
        "sourceHash": hashlib.sha256(source.read_bytes()).hexdigest(),
        "compiler": compiler,
        "abi": abi,
        "runtime": runtime,
    }


def main() -> None:
    """Compile every contract."""
    compilers = {".sol": compile_solidity, ".vy": compile_vyper}
    for source in sorted(CONTRACTS.iterdir()):
        if source.suffix in compilers:
            compiled = compilers[source.suffix](source)
            target = source.with_name(source.name + ".json")
            target.write_text(json.dumps(compiled, indent=1) + "\n")
            print(f"{target.relative_to(ROOT)}: {len(compiled['runtime']) // 2 - 1} bytes")


if __name__ == "__main__":
    main()
