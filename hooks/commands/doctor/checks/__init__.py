"""One module per subject, each with a ``check`` that yields findings."""
