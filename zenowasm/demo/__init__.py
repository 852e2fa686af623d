"""The demonstration: a script and its plugin, run on every engine that is installed, and what each made of them.

``hello.zl`` and ``plugins`` are the examples of the documentation, which an installed package carries too.
"""
