"""The state folder: the journal of what is published, locks, and the audit trail."""
