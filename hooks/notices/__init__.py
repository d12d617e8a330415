"""Who is told of what, once per change of state."""
