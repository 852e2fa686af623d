"""HTTP requests: each address is checked before the connection, and sizes and times are bounded."""
