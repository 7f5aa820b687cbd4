"""Unit tests of the documents of CONNECT and INFO (client-protocol.md, sections 3, 8 and 9)."""

import json

import pytest

from app.domain.protocol.connect import Connect, check_info, parse_connect, redacted
from app.domain.protocol.errors import ParserError

JSON = [
    b"{}",
    b" { } ",
    b"null",
    b'{"x":1e999}',
    b'{"x":-0.5E+2}',
    b'{"x":"\\/\x7f"}',
    b'{"x":\r\t[{"a":2}]}',
    b'{"":1}',
]
NO_OBJECT = [b"[]", b"5", b'"x"', b"true"]
NO_JSON = [
    *(
        b"",
        b"{",
        b"{x",
        b"{}x",
        b"{} {}",
        b'{"a":1,}',
        b"{,}",
        b"{'verbose':false}",
        b'{"a" 1}',
        b'{"a":1 "b":2}',
    ),
    *(b'{"x":NaN}', b'{"verbose":NaN}', b'{"x":Infinity}', b'{"x":-Infinity}', b'{"x":01}', b'{"x":+1}'),
    *(
        b'{"x":1.}',
        b'{"x":.5}',
        b'{"x":-}',
        b'{"x":TRUE}',
        b'{"x":fal\rse}',
        b'{"name":"a\tb"}',
        b'{"x":"\\x41"}',
    ),
    *(b'\xef\xbb\xbf{"verbose":false}', b"{}\x0b", b"// c", b"[" * 100_000),
]
FLAGS = [
    "verbose",
    "pedantic",
    "ssl_required",
    "tls_required",
    "new_account",
    "echo",
    "headers",
    "no_responders",
]
TEXTS = ["auth_token", "user", "pass", "name", "lang", "version", "account"]


def test_connect_with_every_field() -> None:
    """All known fields come through, the others do not."""
    flags: dict[str, bool | int | str] = dict.fromkeys(FLAGS, True)
    fields = {"protocol": 1, **flags, **{name: f"my {name}" for name in TEXTS}}
    document = {**fields, "unknown": [1, {"verbose": False}]}

    connect = parse_connect(json.dumps(document).encode())

    assert connect == Connect(
        verbose=True,
        pedantic=True,
        ssl_required=True,
        tls_required=True,
        protocol=1,
        name="my name",
        lang="my lang",
        version="my version",
        user="my user",
        password="my pass",  # noqa: S106 - an example
        auth_token="my auth_token",  # noqa: S106 - an example
        account="my account",
        new_account=True,
        echo=True,
        headers=True,
        no_responders=True,
    )


def test_a_connect_shows_no_secret() -> None:
    """Its representation may stand in a trace of a defect."""
    connect = parse_connect(b'{"user":"u","pass":"hidden","auth_token":"hidden"}')

    assert "'u'" in repr(connect)
    assert "hidden" not in repr(connect)


@pytest.mark.parametrize(
    ("argument", "fields"),
    [
        (b'{"verbose":null,"user":null}', Connect()),
        (b'{"VERBOSE":false,"Auth_Token":"t"}', Connect(verbose=False, auth_token="t")),  # noqa: S106 - an example
        (b'{"\\u0076erbose":false}', Connect(verbose=False)),
        ('{"verbo\u017fe":false}'.encode(), Connect(verbose=False)),
        (b'{"verbose":true,"verbose":false}', Connect(verbose=False)),
        (b'{"verbose":false,"Verbose":true}', Connect(verbose=True)),
        (b'{"verbose":false,"Verbose":true,"verbose":false}', Connect(verbose=False)),
        (b'{"pass":"p","pass":null}', Connect(password="p")),  # noqa: S106 - an example
        (b'{"name":"\xff\xfe"}', Connect(name="\ufffd\ufffd")),
        (b'{"name":"\\ud800"}', Connect(name="\ufffd")),
        (b'{"name":"\\ud83dx\\ude00"}', Connect(name="\ufffdx\ufffd")),
        (b'{"name":"\\ud83d\\ude00\\ufeff"}', Connect(name="\U0001f600\ufeff")),
        (b'{"import":{"allow":["a"],"deny":null},"export":{"deny":[null]},"Import":null}', Connect()),
        (b'{"x":' + b"[" * 400 + b"]" * 400 + b"}", Connect()),
        *((argument, Connect()) for argument in JSON),
    ],
)
def test_connect(argument: bytes, fields: Connect) -> None:
    """Keys match in any case, the last of a name wins, and nulls change nothing (section 3)."""
    assert fields == parse_connect(argument)


@pytest.mark.parametrize(
    "argument",
    [
        *(NO_JSON + NO_OBJECT),
        *(f'{{"{name}":{value}}}'.encode() for name in FLAGS for value in ('"yes"', "1", "[]", "{}")),
        *(f'{{"{name}":{value}}}'.encode() for name in TEXTS for value in ("5", "true", "[]", "{}")),
        *(b'{"verbose":5,"verbose":true}', b'{"user":"u","USER":5}'),
        *(b'{"protocol":9223372036854775808}', b'{"protocol":-9223372036854775809}'),
        *(b'{"proxy_sig":1}', b'{"remote_account":1}'),
        *(b'{"import":1}', b'{"EXPORT":["a"]}', b'{"export":{"Deny":"a"}}'),
    ],
)
def test_a_connect_not_understood(argument: bytes) -> None:
    """Broken JSON, another document than an object, or a value of the wrong type is a parser error."""
    with pytest.raises(ParserError) as caught:
        parse_connect(argument)

    assert ParserError is type(caught.value)
    assert "" != caught.value.reason


INFO_TEXTS = ["server_id", "version", "go", "host", "ip"]
INFO_NUMBERS = ["port", "max_payload"]
INFO_FLAGS = ["auth_required", "ssl_required", "tls_required", "tls_verify"]


@pytest.mark.parametrize(
    "argument",
    [
        *JSON,
        *(f'{{"{name}":null}}'.encode() for name in INFO_TEXTS + INFO_NUMBERS + INFO_FLAGS),
        b'{"server_id":"x","port":4222,"tls_verify":false,"max_payload":-1,"nonce":5}',
    ],
)
def test_info(argument: bytes) -> None:
    """A client's INFO may be null, or hold any object whose known fields have the right type."""
    check_info(argument)


@pytest.mark.parametrize(
    "argument",
    [
        *(NO_JSON + NO_OBJECT),
        *(f'{{"{name}":{value}}}'.encode() for name in INFO_TEXTS for value in ("5", "true", "[]")),
        *(
            f'{{"{name}":{value}}}'.encode()
            for name in INFO_NUMBERS
            for value in ('"x"', "1.5", "1e2", "true")
        ),
        *(f'{{"{name}":{value}}}'.encode() for name in INFO_FLAGS for value in ('"x"', "0", "{}")),
        *[b'{"PORT":"x"}', b'{"port":"x","port":1}'],
    ],
)
def test_an_info_not_understood(argument: bytes) -> None:
    """Broken JSON, another document, or a known field of the wrong type is a parser error (section 2)."""
    with pytest.raises(ParserError):
        check_info(argument)


# --- what a log may show of CONNECT -------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (b'{"verbose":false,"user":"u", "pass":"s"}', '{"verbose":false,"user":"u","pass":"[REDACTED]"}'),
        (b'{"auth_token":"s","name":"\xd0\x96"}', '{"auth_token":"[REDACTED]","name":"\\u0416"}'),
        (b'{"PASS":"s","p\\u0061ss":"s"}', '{"PASS":"[REDACTED]","pass":"[REDACTED]"}'),
        (b'{"user":"\\ud800"}', '{"user":"\\ud800"}'),
        (
            b'{"y":[{"pass":"s"},{"x":{"auth_token":"s"}}]}',
            '{"y":[{"pass":"[REDACTED]"},{"x":{"auth_token":"[REDACTED]"}}]}',
        ),
        (b"null", "null"),
        (b'{"pass":"s"', "[not shown: invalid JSON]"),
        (b"", "[not shown: invalid JSON]"),
        (b'"s"', "[not shown: no JSON object]"),
        (b'[{"pass":"s"},"s"]', "[not shown: no JSON object]"),
        (b"[" * 100_000, "[not shown: invalid JSON]"),
    ],
)
def test_what_a_log_shows_of_connect(argument: bytes, shown: str) -> None:
    """All but the secrets, and nothing of what cannot be understood (section 16)."""
    assert shown == redacted(argument)


DEEP = 30_000


@pytest.mark.parametrize("inner", [b"", b"1", b'"]]}}"', b'{"a":[1,{}],"b":"\\"["}', b"null,true"])
def test_deep_nesting_is_read_through(inner: bytes) -> None:
    """What is nested, however deeply, is checked and means nothing; the interpreter's stack is not needed."""
    argument = b'{"x":' + b"[" * DEEP + inner + b"]" * DEEP + b',"user":"u","y":{"a":[]}}'

    assert Connect(user="u") == parse_connect(argument)
    check_info(argument)


@pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        (b"[", b"", b""),
        (b"[", b"", b"]" * (DEEP - 1)),
        (b"[", b"", b"]" * (DEEP + 1)),
        (b"[", b"1,", b"]" * DEEP),
        (b"[", b"NaN", b"]" * DEEP),
        (b"[", b'"', b"]" * DEEP),
        (b"[", b'"\\', b"]" * DEEP),
        (b"[", b"", b"}" * DEEP),
        (b"[", b"", b"]" * (DEEP // 2) + b"}" + b"]" * (DEEP // 2 - 1)),
        (b"[", b"", b"]" * (DEEP // 2) + b"x" + b"]" * (DEEP // 2)),
        (b'{"a":', b"", b"}" * DEEP),
        (b"]", b"", b"[" * DEEP),
    ],
)
def test_deep_nesting_that_is_broken(opening: bytes, inner: bytes, closing: bytes) -> None:
    """A mistake at any depth is a parser error, as it is at the top."""
    argument = b'{"user":"u","x":' + opening * DEEP + inner + closing + b"}"

    with pytest.raises(ParserError, match="invalid JSON: "):
        parse_connect(argument)


def test_a_log_shows_no_secret_of_the_depth() -> None:
    """What is nested too deeply is left out of the log, secrets included; the rest shows."""
    argument = b'{"user":"u","x":' + b'{"a":' * 500 + b'{"sig":"hidden"}' + b"}" * 500 + b"}"

    shown = redacted(argument)

    assert shown.startswith('{"user":"u","x":{"a":')
    assert '"a":null' in shown
    assert "hidden" not in shown
