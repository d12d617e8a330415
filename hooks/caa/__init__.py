"""CAA: which CA an order goes to, and whether the DNS lets it issue (RFC 8659, RFC 8657)."""
