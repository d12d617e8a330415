"""The audit trail: one line of JSON for each phase, each of which holds the hash of the one before it."""
