"""The command line, installed as ``zenowasm``. ``main`` is its entry; every command is imported when it is used."""
