"""Trackers (W&B, MLflow, TensorBoard): small adapters of Lightning's loggers."""
