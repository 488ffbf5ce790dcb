"""What is changed before a map is made: a network's parameters, or regions of the images."""
