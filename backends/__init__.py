"""One protocol, several engines that know nothing of each other; ``registry`` finds them by name."""
