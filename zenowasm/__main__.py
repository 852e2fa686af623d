"""Runs the command line as ``python -m zenowasm``."""

from zenowasm.cli.main import main

if __name__ == "__main__":
    main()
