"""Losses: a `torch.nn.Module` of (outputs, targets) to a scalar; for `loss=`."""
