"""Configuration from files and the environment: manifests, settings, limits; every error has its file and line."""
