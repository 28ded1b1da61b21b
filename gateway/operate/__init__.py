"""How it is run: command line, settings, wiring, workers, credentials."""
