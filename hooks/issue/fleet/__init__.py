"""Several machines that share their rows, leases and budget in PostgreSQL. No key goes there."""
