"""The Ethereum virtual machine: instructions, gas, state, forks, transactions."""
