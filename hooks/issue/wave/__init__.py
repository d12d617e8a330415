"""One wave: all orders opened, all records published at once, one wait, each certificate on its way."""
