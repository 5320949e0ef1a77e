"""Checks before training: the command and what a person sees of it."""
