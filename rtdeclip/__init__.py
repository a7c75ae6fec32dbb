"""Real-time audio declipping."""
