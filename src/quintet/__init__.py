"""Quintet: metric, loss, init, optimizer and sweeper, and a loop around them."""
