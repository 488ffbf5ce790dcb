"""Published CIFAR-10 networks on images of the development data; see README.md."""
