"""Metrics: a `torchmetrics.Metric` of (predictions, targets); for `metric=`."""
