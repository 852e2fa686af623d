"""Resources outside WebAssembly: databases, the network, files. Each is bounded and independent of plugins."""
