"""Files of the operating system, and the thread that waits for them."""
