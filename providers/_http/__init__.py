"""What the providers with an HTTP API share: answers, failures, retries, logs."""
