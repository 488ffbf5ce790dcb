"""Questions about drawn scenes: the scenes, the network that answers, its training."""
