"""How queries and responses travel: UDP, TCP and HTTPS."""
