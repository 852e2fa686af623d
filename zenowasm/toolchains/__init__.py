"""How plugins are made: a template for each language, and how each language's compiler builds one.

``plugin new`` and ``plugin build`` are frontends of ``templates`` and ``build``.
"""
