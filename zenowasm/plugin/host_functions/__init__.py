"""The eight host functions of the ABI, module ``env`` (ABI document, section "Imports").

``table`` describes them, the other modules implement them, and ``binding`` offers them to WebAssembly guests.
"""
