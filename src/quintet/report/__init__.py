"""Reports of runs and sweeps: self-contained HTML pages."""
