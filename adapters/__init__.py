"""Legacy databases in, rows and changes out. Nothing here ever writes to a source."""
