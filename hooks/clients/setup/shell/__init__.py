"""Scripts of a shell, read as text: their commands, their variables, the programs that they call."""
