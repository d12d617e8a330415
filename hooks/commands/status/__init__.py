"""``dns01 status``: how every certificate stands, where it is deployed, and what is pending."""
