"""What streams ask of a storage, and the index that every storage has."""
