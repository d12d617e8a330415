"""Which certificates are to be had: tables, CSV, JSON lines, or a command."""
