"""A small, legible zkEVM: Ethereum transactions proven with KZG commitments over BN254."""
