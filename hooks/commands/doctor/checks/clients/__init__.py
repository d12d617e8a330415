"""The ACME clients on this machine: what their files, and what runs them, say of how they will run."""
