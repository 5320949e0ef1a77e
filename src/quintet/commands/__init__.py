"""The commands: a module for each script in `src/`."""
