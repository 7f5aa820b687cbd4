"""Pictures of the pages, for the documents. `make screenshots` makes them."""
