"""The conformance runner: scripts of the official test suite, judged on any engine.

``script`` is the syntax of a test script, ``wast_reader`` reads one, ``spectest`` is the suite's host module,
``patterns`` compares results, ``customs`` checks custom sections, ``runner`` judges each command, ``isolation`` runs
files in processes of their own, ``summary`` counts, ``report``, ``junit`` and ``html`` tell, ``expectations`` are the
failures that are known.
"""
