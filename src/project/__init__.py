"""Your code: the only package here that is yours to change, and that `make rename` renames.

An option is a class or a function in one of the folders below, and a YAML in `configs/` whose
`_target_` names it. Each folder holds one small example; the engine, `quintet`, never imports it.
"""
