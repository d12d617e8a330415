"""What several checks look at: where the record goes, the zones on the way, the CA and what it asks."""
