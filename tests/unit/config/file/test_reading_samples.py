"""The sample files that gnatsd's operators know, in ``tests/config/samples``."""

from pathlib import Path

import pytest

from app.config.load import read_file
from tests.unit.config.trees import Tree, tree_of

SAMPLES = Path(__file__).parents[3] / "config" / "samples"

DEREK = "$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"

EXPECTED: dict[str, dict[str, Tree]] = {
    "authorization": {
        "authorization": {
            "user": "derek",
            "password": "$2a$11$3kIDaCxw.Glsl1.u5nKa6eUnNDLV5HV9tIuUp7EHhMt6Nm9myW1aS",
        }
    },
    "cluster_tls": {
        "cluster": {
            "listen": "127.0.0.1:4244",
            "tls": {
                "cert_file": "./configs/certs/srva-cert.pem",
                "key_file": "./configs/certs/srva-key.pem",
                "ca_file": "./configs/certs/ca.pem",
            },
            "routes": ["nats-route://127.0.0.1:4246"],
        }
    },
    "seed": {"listen": "127.0.0.1:4222", "http": 8222, "cluster": {"listen": "127.0.0.1:4248"}},
    "server": {
        "listen": "localhost:4242",
        "http": "localhost:8222",
        "authorization": {"user": "derek", "password": DEREK, "timeout": 1},
        "cluster": {
            "listen": "localhost:4244",
            "authorization": {
                "user": "route_user",
                "password": "$2a$11$xH8dkGrty1cBNtZjhPeWJewu/YPbSU.rXJWmS6SFilOBXzmZoMk9m",
                "timeout": 0.5,
            },
            "routes": [
                "nats-route://user1:pass1@127.0.0.1:4245",
                "nats-route://user2:pass2@127.0.0.1:4246",
            ],
        },
        "debug": False,
        "trace": True,
        "logtime": False,
        "log_file": "/tmp/nats-server.log",  # noqa: S108 - nothing is written there
        "pid_file": "/tmp/nats-server.pid",  # noqa: S108 - the same
        "max_connections": 100,
        "max_control_line": 512,
        "max_payload": 65536,
        "max_pending_size": 10_000_000,
    },
    "tls": {
        "listen": "127.0.0.1:4443",
        "tls": {
            "cert_file": "./configs/certs/server-cert.pem",
            "key_file": "./configs/certs/server-key.pem",
            "timeout": 2,
        },
        "authorization": {"user": "derek", "password": DEREK, "timeout": 1},
    },
    "tls_verify": {
        "listen": "127.0.0.1:4443",
        "tls": {
            "cert_file": "./configs/certs/server-cert.pem",
            "key_file": "./configs/certs/server-key.pem",
            "ca_file": "./configs/certs/ca.pem",
            "verify": True,
        },
    },
}


@pytest.mark.parametrize("name", [path.stem for path in sorted(SAMPLES.glob("*.conf"))])
def test_samples(name: str) -> None:
    """Each sample says what its author meant."""
    assert EXPECTED[name] == tree_of(read_file(str(SAMPLES / f"{name}.conf"), {}))
