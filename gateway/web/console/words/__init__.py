"""What the console says, one table per group of screens, each in every language; the first is shown unasked."""
