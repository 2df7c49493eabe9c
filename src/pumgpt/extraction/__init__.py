"""What title and description say of a product: where they mention a value, and which attribute it belongs to."""
