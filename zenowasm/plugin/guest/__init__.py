"""One WebAssembly guest as the ABI has it: its exports, its JSON, its code, and an instance of it."""
