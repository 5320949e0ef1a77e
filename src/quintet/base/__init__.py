"""What everything else builds on: errors, files, the console, secrets, processes, signals, locks.

Nothing here knows of models, data or training, and torch is not imported.
"""
