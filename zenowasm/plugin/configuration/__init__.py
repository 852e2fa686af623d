"""What files and the environment say: manifests, settings, limits; every error has its file and line."""
