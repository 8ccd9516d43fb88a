"""Cheating provers: executions that went wrong, altered traces, altered tables.

`executor` has interpreters that do wrong once and go on honestly from there, `traces` has changes
of what was recorded, `tables` has changes of filled cells.  `judge` says whether any of it passes.
"""
