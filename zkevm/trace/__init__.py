"""Traces: what the interpreter did, as typed columns for the circuits, and as EIP-3155 lines."""
