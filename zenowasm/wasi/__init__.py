"""WASI preview 1 in Python, the same code under every engine: the part that a reactor module needs.

Every function of preview 1 is present, so that any module links; those that are not built answer ``ENOSYS``.
"""
