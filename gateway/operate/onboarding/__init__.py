"""A partner made and let in: its files, its logins, the card that it is sent."""
