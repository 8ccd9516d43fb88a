"""The tables that gadgets look up or share."""
