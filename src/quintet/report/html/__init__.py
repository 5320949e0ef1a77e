"""One self-contained HTML page: blocks, sections, and the frame around them."""
