"""`python -m zkevm` is the `zkevm` command."""

from zkevm.cli import main

if __name__ == "__main__":
    main(prog_name="zkevm")
