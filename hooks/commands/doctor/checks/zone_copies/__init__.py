"""Copies of a zone: what is wrong with a server's, and whether the account's own is the one that counts."""
