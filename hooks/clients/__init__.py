"""The ACME clients that call: what each says, where its files are, and whether its process lives."""
