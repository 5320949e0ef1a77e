"""Preprocessing that is fitted on the training split only: scaling, missing values, selection."""
