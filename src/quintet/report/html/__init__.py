"""Self-contained HTML pages: blocks, sections and their frame."""
