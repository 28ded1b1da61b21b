"""What was stored is told: acknowledgments to the partner who sent the file."""
