"""The event log as lines: gnatsd's form or JSON, to standard error or a file."""
