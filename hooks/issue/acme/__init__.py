"""The ACME protocol (RFC 8555) at its edge: accounts, orders, keys, renewal information."""
