"""What a user can do wrong with the admin endpoint."""


class AdminError(Exception):
    """The endpoint cannot be opened, or its token or its state file is not as it must be."""
