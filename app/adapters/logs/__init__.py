"""The event log as lines: gnatsd's format or JSON, to standard error, a file or syslog."""
