"""Technology behind the ports: sockets, clocks, logs, randomness."""
