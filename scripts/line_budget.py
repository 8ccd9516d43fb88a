"""Keep modules small: a gadget class at most 150 lines, a module at most 400.

Exit status 1, with one line for each offender, when a file of `zkevm/`, `circuits/` or `scripts/`
is over its budget. Blank lines count: the budget is about what one reads at a sitting.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
GADGET_LINES = 150


def over_budget(path: Path) -> Iterator[str]:
    """Yield one message for each thing in `path` that is longer than its budget."""
    source = path.read_text()
    name = path.relative_to(ROOT)
    lines = len(source.splitlines())
    if lines > MODULE_LINES:
        yield f"{name}: {lines} lines, budget {MODULE_LINES}"
    if name.parts[:2] != ("circuits", "gadgets"):
        return
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > GADGET_LINES:
                yield f"{name}: class {node.name} has {length} lines, budget {GADGET_LINES}"


def main() -> int:
    """Check every module; return the exit status."""
    paths = sorted(
        path for top in ("zkevm", "circuits", "scripts") for path in (ROOT / top).rglob("*.py")
    )
    offenders = [message for path in paths for message in over_budget(path)]
    for message in offenders:
        print(message, file=sys.stderr)
    return 1 if offenders else 0


if __name__ == "__main__":
    sys.exit(main())
