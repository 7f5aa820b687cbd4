"""The process around the server: its memory, its pid file, its supervisor."""
