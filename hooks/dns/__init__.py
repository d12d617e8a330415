"""Asking name servers: queries over UDP, TCP and HTTPS, delegations, zone cuts and CNAMEs."""
