"""A published ImageNet network on photographs that travel inside wheels; see README.md."""
