"""The sections of the options, one module each."""
