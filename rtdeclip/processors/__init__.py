"""One file per declipping method."""
