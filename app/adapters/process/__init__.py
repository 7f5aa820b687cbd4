"""The server as a process among others: its pid file, and the service manager that started it."""
