"""Who subscribes to what, and which targets a message has."""
