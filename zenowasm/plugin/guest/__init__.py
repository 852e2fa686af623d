"""The WebAssembly guest of a plugin: exports, JSON, compiled code and instances."""
