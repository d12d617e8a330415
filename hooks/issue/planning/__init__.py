"""What is due and why, and what the CA's limits allow."""
