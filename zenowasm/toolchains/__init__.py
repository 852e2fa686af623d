"""Creating and building plugins: a template for each language, and its compilers.

``plugin new`` and ``plugin build`` are frontends of ``templates`` and ``build``.
"""
