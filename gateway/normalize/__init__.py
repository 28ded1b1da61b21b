"""Their words become our words: the mapping language, compiled. Pure."""
