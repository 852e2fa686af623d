"""The ABI as scenarios: reads them, runs them on any engine, and names the first difference.

Source of what the scenarios expect: the ABI document. The scenarios themselves are data, in ``spec-tests/abi``.
"""
