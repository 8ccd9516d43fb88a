"""Write the golden text of every table: `fixtures/constraints/<table>.txt`.

Run it after a change of the circuit, and read the diff.
"""

from pathlib import Path

from circuits.machine import tables
from zkevm.evm.forks import FORKS
from zkevm.plonkish.rendering import render_table

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "constraints"


def golden_texts() -> dict[str, str]:
    """The text of each file; a table that differs by fork has a file for each fork."""
    by_table: dict[str, dict[str, str]] = {}
    for fork in FORKS:
        for table in tables(fork):
            by_table.setdefault(table.name, {})[fork] = render_table(table)
    texts: dict[str, str] = {}
    for name, by_fork in by_table.items():
        if len(set(by_fork.values())) == 1:
            texts[f"{name}.txt"] = next(iter(by_fork.values()))
        else:
            texts |= {f"{name}.{fork.lower()}.txt": text for fork, text in by_fork.items()}
    return texts


def main() -> None:
    """Write what changed, remove what is gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = golden_texts()
    for path in FOLDER.glob("*.txt"):
        if path.name not in texts:
            path.unlink()
            print(f"removed {path.name}")
    for name, text in texts.items():
        path = FOLDER / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
