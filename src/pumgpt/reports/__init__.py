"""What the pages that PumGPT writes have in common: stylesheet, head, rendering."""
