"""The page of a sweep: which model won, by how much, what mattered, and how to go on."""
