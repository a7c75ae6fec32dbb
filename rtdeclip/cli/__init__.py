"""The command line: parses, calls, prints; no signal processing."""
