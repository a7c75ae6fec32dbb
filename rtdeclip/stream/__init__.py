"""The path of one block, live and offline: contracts, Stream and its stages."""
