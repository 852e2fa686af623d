"""The demonstration: a script and its plugin, run on every installed engine, with the results compared.

``hello.zl`` and ``plugins`` are the examples of the documentation, which an installed package also contains.
"""
