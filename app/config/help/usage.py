"""The texts of ``--help`` and ``--help_tls``."""

from collections.abc import Mapping, Sequence

from ...domain.security.cipher_suites import SUITES
from ...domain.security.curves import CURVES
from ..flags import BLOCKS, Flag
from ..options import Options

_LEFT_WIDTH = 33

_BEGINNING = """
Usage: pynatsd [options]

A messaging server for NATS clients. Without options it accepts all clients, on port 4222.

    pynatsd -c /etc/pynatsd/pynatsd.conf       options from a file
    pynatsd -t -c /etc/pynatsd/pynatsd.conf    check the file, start nothing
    pynatsd -a 127.0.0.1 -m 8222               local clients only, with monitoring
    pynatsd --user derek --pass T0pS3cr3t      one user
    pynatsd explain --user derek SUBJECT -c FILE    what a user may do, and why
    pynatsd store check DIRECTORY              read all that is stored, and report damage
"""

_END = """\
Flags begin with one or two dashes. A value follows a space or '='; the value of a switch
follows '=' only, as in -D=false. Zero and the empty string mean the default.

Environment:
    PYNATSD_DATA_PLANE               auto, native or python (default: auto, which is native if it is built)
    DATA_PLANE                       the same, if PYNATSD_DATA_PLANE is not set

All options and their keys in the file: docs/options.md. Running as a service: docs/operations.md.
"""

_TLS_EXAMPLE = """
TLS is configured in the section tls of the configuration file:

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
    defaults = {name: shown(field.default) for name, field in Options.model_fields.items()}
    return f"{_BEGINNING}\n{rows(BLOCKS, defaults)}{_END}"


def rows(blocks: Mapping[str, Sequence[Flag]], defaults: Mapping[str, str]) -> str:
    """Flags with what they do, a paragraph for each block."""
    lines = []
    for title, flags in blocks.items():
        lines.append(f"{title}:")
        for flag in flags:
            text = flag.text.format_map(defaults)
            if len(flag.spelling) >= _LEFT_WIDTH:
                lines.append(f"    {flag.spelling}")
                lines.append(f"    {'':<{_LEFT_WIDTH}}{text}")
            else:
                lines.append(f"    {flag.spelling:<{_LEFT_WIDTH}}{text}")
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def tls_usage() -> str:
    """An example of TLS in a file, and the names of all cipher suites and curves."""
    suites, curves = (map("    {}".format, names) for names in (SUITES, CURVES))
    return "\n".join([_TLS_EXAMPLE, *suites, "", "Available curve preferences:", *curves, "", ""])


def shown(value: object) -> str:
    """A value as it is written in a file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
