"""Other libraries, one a file."""
