"""What a client may publish and subscribe to."""
