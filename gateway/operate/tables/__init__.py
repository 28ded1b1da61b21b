"""The tables of legacy databases: which are due, how each is followed, and what is kept for us there."""
