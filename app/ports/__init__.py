"""What the domain needs of the world, as contracts that adapters fulfil."""
