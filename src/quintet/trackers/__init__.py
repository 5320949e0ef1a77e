"""Trackers (W&B, MLflow, TensorBoard): a small adapter each around Lightning's own logger."""
