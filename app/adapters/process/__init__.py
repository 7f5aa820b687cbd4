"""The server as a process: event loop, heap, files, standard streams, service manager."""
