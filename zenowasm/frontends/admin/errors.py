"""Errors for users of the admin endpoint."""


class AdminError(Exception):
    """Raised when the endpoint cannot be opened, or its token or its state file is unusable."""
