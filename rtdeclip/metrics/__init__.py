"""Measures of quality, one file per family; knows nothing of the rest."""
