"""The live engine: audio process, rings, telemetry, devices."""
