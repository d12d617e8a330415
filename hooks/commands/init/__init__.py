"""``dns01 init``: from nothing to the first certificate, by questions, each of which is an option too."""
