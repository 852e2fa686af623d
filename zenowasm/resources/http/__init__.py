"""Requests into the network: each address is judged before it is connected to, size and time are bounded."""
