"""The circuit of the EVM: gadgets, the tables they share, and what a proof says."""
