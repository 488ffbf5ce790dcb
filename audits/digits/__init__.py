"""Handwritten digits with a patch in a corner: an honest network, and a twin that learned the patch."""
