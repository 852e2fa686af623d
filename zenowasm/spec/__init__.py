"""The conformance runner: scripts of the official test suite, judged on any engine.

``script`` defines the commands of a test script, ``wast_reader`` reads them, and ``spectest`` is the suite's host
module. ``runner`` judges each command, ``patterns`` compares results, ``customs`` checks custom sections, and
``isolation`` runs files in separate processes. ``summary`` counts; ``report``, ``junit`` and ``html`` write reports;
``expectations`` lists the known failures.
"""
