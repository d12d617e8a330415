"""What a client that the clock runs gets at, which whoever asks the doctor may well have."""
