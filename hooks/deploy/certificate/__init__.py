"""A certificate with its key and chain: read, checked, and compared with the one before it."""
