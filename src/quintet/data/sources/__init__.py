"""Sources of samples: files of users and bundled data sets, read into tensors or token files."""
