"""Modules: a `LightningModule` that logs the metric as `val/<name>`; for `module=`."""
