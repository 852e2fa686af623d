"""Reads the ABI scenarios, runs them on any engine, and reports the first difference.

The source of the expectations is the ABI document. The scenarios are data in ``spec-tests/abi``.
"""
