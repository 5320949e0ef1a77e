"""Splits into training, validation and test: by chance, by class, by group, by time, by fold."""
