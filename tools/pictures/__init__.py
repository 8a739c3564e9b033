"""Judges what image.grayscale makes of Pillow's own test files by what libvips makes of them."""
