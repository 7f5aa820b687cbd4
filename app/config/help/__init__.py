"""What the configuration says about itself: help texts, completion scripts, the reference page."""
