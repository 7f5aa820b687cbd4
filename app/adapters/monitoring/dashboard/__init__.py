"""A page that shows an operator what the server does, live."""
