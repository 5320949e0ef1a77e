"""The page of a single run: how good it is, what its curves say, where it errs, how to go on."""
