"""When a record is ready: who is asked, in which order, and how long is waited (docs/readiness.rst)."""
