"""The reference runtime of ZenoEngine's WebAssembly plugin system."""

__version__ = "0.1.0"
