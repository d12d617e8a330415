"""What is wrong with a record that nobody sees: a look around, and the likeliest cause."""
