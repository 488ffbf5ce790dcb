"""Drawn cats and dogs that may wear collars: an honest network, and one that learned the collar."""
