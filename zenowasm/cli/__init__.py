"""The command line, installed as ``zenowasm``. ``main`` is its entry point; each command is imported on first use."""
