"""Independent engines with one common protocol; ``registry`` finds them by name."""
