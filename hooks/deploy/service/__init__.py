"""The service behind a target: it is reloaded, and asked which certificate it serves."""
