"""Errors of the admin endpoint's users."""


class AdminError(Exception):
    """The endpoint cannot be opened, or its token or its state file is not as it must be."""
