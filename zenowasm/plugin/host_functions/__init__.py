"""The eight host functions of the ABI, module ``env`` (ABI document, section "Imports").

``table`` describes them, one module each does them, ``binding`` offers them to WebAssembly guests.
"""
