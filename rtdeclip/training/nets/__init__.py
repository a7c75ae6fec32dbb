"""One file per network, found by name."""
