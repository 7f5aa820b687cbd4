"""Options of a server, from flags and a configuration file.

To add an option, see `options`; to add a flag, `flags`; to change a parse error, `parse_errors`.
"""
