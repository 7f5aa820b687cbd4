"""Unit tests of the help texts."""

from app.config.tls_options import CIPHERS
from app.config.usage import tls_usage, usage


def test_the_help_text() -> None:
    """The help text has the blocks, columns and words of gnatsd, and after them what is ours."""
    assert usage() == (
        """
Usage: pynatsd [options]

Server Options:
    -a, --addr HOST                  Bind to HOST address (default: 0.0.0.0)
    -p, --port PORT                  Use PORT for clients (default: 4222)
    -P, --pid FILE                   File to store PID
    -m, --http_port PORT             Use HTTP PORT for monitoring
    -ms,--https_port PORT            Use HTTPS PORT for monitoring
    -c, --config FILE                Configuration File
    -t, --check                      Check the configuration and these flags, and exit
    -n, --server_name NAME           Name of this server, for people
        --client_advertise ADDRESS   Address by which clients reach this server

Logging Options:
    -l, --log FILE                   File to redirect log output
    -T, --logtime                    Timestamp log entries (default: true)
    -s, --syslog                     Enable syslog as log method.
    -r, --remote_syslog              Syslog server addr (udp://localhost:514).
    -D, --debug                      Enable debugging output
    -V, --trace                      Trace the raw protocol
    -DV                              Debug and Trace
        --log_format FORMAT          Write log entries as text or json (default: text)

Authorization Options:
        --user user                  User required for connections
        --pass password              Password required for connections
        --auth token                 Authorization token required for connections

TLS Options:
        --tls                        Enable TLS, do not verify clients (default: false)
        --tlscert FILE               Server certificate file
        --tlskey FILE                Private key for server certificate
        --tlsverify                  Enable TLS, very client certificates
        --tlscacert FILE             Client certificate CA for verification

Cluster Options:
        --routes [rurl-1, rurl-2]    Routes to solicit and connect
        --cluster [cluster url]      Cluster URL for solicited routes
        --no_advertise               Tell no addresses of servers to clients
        --cluster_advertise ADDRESS  Address by which servers reach this server
        --connect_retries NUMBER     Attempts to reach a server that others told of

Common Options:
    -h, --help                       Show this message
    -v, --version                    Show version
        --help_tls                   TLS help
        --completion SHELL           Print what makes bash, zsh or fish complete flags
"""
    )


def test_the_help_on_tls() -> None:
    """A sample of the section, and below it every name of a suite."""
    sample, _, names = tls_usage().partition("Available cipher suites:\n\n")

    assert "    tls {\n        cert_file:" in sample
    assert list(CIPHERS) == names.split()
