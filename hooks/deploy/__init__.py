"""The deploy wing: a new certificate is checked, brought to its targets, verified there, or undone."""
