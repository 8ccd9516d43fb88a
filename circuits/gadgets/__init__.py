"""One opcode family a file."""
