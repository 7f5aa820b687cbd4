"""What the program says about itself: its flags, and TLS."""

from app.config.flags import BLOCKS
from app.config.options import Options
from app.config.tls_options import CIPHERS

_LEFT_WIDTH = 33

_TLS_SAMPLE = """
TLS is configured in the section tls of a configuration file:

    tls {
        cert_file: "./certs/server-cert.pem"
        key_file:  "./certs/server-key.pem"
        ca_file:   "./certs/ca.pem"
        verify:    true

        cipher_suites: [
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ]
    }

Available cipher suites:
"""


def usage() -> str:
    """The help text, defaults filled in; ends with a line end."""
    lines = ["", "Usage: pynatsd [options]", ""]
    defaults = {name: shown(field.default) for name, field in Options.model_fields.items()}
    for title, flags in BLOCKS.items():
        lines.append(f"{title}:")
        lines += [f"    {flag.spelling:<{_LEFT_WIDTH}}{flag.text.format_map(defaults)}" for flag in flags]
        lines.append("")
    return "\n".join(lines)


def tls_usage() -> str:
    """A sample of TLS in a file, and the names of all cipher suites."""
    return "\n".join([_TLS_SAMPLE, *(f"    {name}" for name in CIPHERS), "", ""])


def shown(value: object) -> str:
    """A value as one writes it in a file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
