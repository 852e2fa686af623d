"""The plugin hosts that are measured: each calls the same greet."""
