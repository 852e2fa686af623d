"""Resources outside WebAssembly: databases, the network, files. Each is bounded; none knows a plugin."""
