"""Support for testing plugins with pytest: the fixtures of ``pytest_plugin`` and the objects that they provide.

pytest finds the fixtures by itself if zenowasm is installed; it imports the rest of this package only on first use.
"""
