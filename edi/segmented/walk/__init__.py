"""The way through a file: interchanges, groups, segments, and the characters that cut them."""
