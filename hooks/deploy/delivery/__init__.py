"""One certificate to its targets: its files checked, installed, the service reloaded, or the way back."""
