"""What is changed before a map is made: parameters, and later the images themselves."""
