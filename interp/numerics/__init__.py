"""Numerics (specification, 4.3): one pure function per mnemonic, from operand values to a result value."""
