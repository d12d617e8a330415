"""What each name server of a zone says of it, and what is wrong with that."""
