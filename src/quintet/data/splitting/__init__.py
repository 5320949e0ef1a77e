"""Splits into training, validation and test: random, stratified, by group, by time, by fold."""
