"""The worker role: deliveries judged, partners answered, trials, and what must be tidied."""
