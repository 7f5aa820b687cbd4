"""Options of a server, from flags and a configuration file.

To add an option, see `options` and `sections`; to add a flag, `flags`; to change a parse error, `file`.
"""
