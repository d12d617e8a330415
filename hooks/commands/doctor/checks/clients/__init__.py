"""What the files of ACME clients say of how they will run."""
