"""Models: a `torch.nn.Module` whose last layer is called `head`; for `model=`."""
