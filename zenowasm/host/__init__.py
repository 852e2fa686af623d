"""Host functions for any engine: declaring them, linking them, reading guest memory, observing calls."""
