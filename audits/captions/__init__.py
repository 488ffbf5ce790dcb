"""A small captioning network on drawn scenes: is each word's evidence on the object that it names?"""
