"""What is printed on a product, read from its photos."""
