"""The Debug Adapter Protocol: editors debug guests through a session, over a pair of streams.

``wire`` frames messages, ``arguments`` checks what a client sends, and ``adapter`` answers requests. The guest runs in
a thread of its own (``running``); while it is stopped, that thread also answers the requests that look into it
(``stopped``, ``variables``, ``code``). ``breakpoints`` keeps what the client has set.
"""
