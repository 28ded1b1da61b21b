"""One transaction set or message: read at once if it is right, with care if it is not."""
