"""The options that ship with Quintet: models, losses, metrics, inits, optimizers, schedulers.

Plain torch: neither Hydra nor Lightning is imported here.
"""
