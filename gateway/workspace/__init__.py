"""The folder of text files that is the configuration: read, checked, made frozen, applied whole."""
