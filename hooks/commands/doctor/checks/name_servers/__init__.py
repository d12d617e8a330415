"""What is wrong with name servers, their addresses and their copies of a zone."""
