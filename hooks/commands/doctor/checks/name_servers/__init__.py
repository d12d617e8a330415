"""The name servers of the zones on the way: their addresses, how they are reached, their NS records."""
