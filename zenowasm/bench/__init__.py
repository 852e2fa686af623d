"""The benchmarks: engines and plugin hosts side by side, in interleaved rounds.

Only ``zenowasm bench`` imports this package.
"""
