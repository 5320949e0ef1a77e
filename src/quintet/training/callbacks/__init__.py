"""Small Lightning callbacks, one a file."""
