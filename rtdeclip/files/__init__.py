"""Audio files in and out: streaming, scan, restore, batch."""
