"""What a user types: a module for each script in `src/`."""
