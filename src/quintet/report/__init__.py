"""Reports: one HTML page that a team lead can open."""
