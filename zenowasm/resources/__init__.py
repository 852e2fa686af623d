"""What a plugin can reach outside of WebAssembly: databases, the network, files; each bounded, none knows a plugin."""
