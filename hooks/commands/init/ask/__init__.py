"""What ``dns01 init`` has to know: given as an option, found on this machine, configured, or asked for."""
