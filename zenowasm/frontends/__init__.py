"""Frontends of the debugger: each translates between a user and a session, and decides nothing itself."""
