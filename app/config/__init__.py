"""The operator's surface: flags and, later, the configuration file."""
