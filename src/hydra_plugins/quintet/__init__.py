"""Quintet's plugin for Hydra."""
