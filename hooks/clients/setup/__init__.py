"""How a client is set up on this machine: its configuration, its certificates, and what runs it."""
