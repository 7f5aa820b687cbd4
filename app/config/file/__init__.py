"""The configuration file: opened, parsed and read into values with their places."""
