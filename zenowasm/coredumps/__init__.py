"""Coredumps: the state of a guest that trapped, in the format of the WebAssembly tool conventions."""
