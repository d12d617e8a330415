"""Each call of a client, phase by phase; ``run`` is the place to start reading."""
