"""Callbacks: a `lightning.pytorch.Callback`; for `callbacks=`."""
