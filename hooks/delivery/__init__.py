"""deploy_cert: a certificate on its way from the client's files to its targets, and back if need be."""
