"""From samples to batches: in memory or from disk, with augmentation of training batches."""
