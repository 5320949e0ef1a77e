"""Utilities for all rooms: errors, files, the console, secrets, processes, signals, locks.

Nothing here depends on models, data or training, and torch is not imported.
"""
