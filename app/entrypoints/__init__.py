"""Programs a person starts, and the container that wires them."""
