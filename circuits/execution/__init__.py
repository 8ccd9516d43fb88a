"""What the circuit adds to a trace: clocks, frame ids, counts of undoing, tokens and their gaps."""
