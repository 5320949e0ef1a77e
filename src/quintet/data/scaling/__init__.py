"""Preprocessing fitted on the training split only: scaling, missing values, selection."""
