"""What a plugin can reach outside WebAssembly: databases, the network, files; each bounded, none knows a plugin."""
