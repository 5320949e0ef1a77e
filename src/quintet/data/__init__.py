"""From files and bundled data sets to batches: sources, parsing, splitting, scaling, loading."""
