"""The report of a sweep: the winner and its lead, what mattered, and next steps."""
