"""The debugger as an interface of panes in a terminal, drawn by Textual.

``app`` has the panes, the keys and the command line. The guest runs in a thread of its own (``guest``). The frontend of
its session is the debugger's terminal: keys and the command line give it lines, and after each of them the panes are
filled anew (``panes``).
"""
