"""The BIND of this machine: what has to be written for its zones to take our updates, and have it read."""
