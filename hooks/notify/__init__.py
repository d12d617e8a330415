"""Who is told of a failure, a recovery, or a certificate that expires."""
