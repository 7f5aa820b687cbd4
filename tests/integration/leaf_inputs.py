"""Lines that no end of a leaf link sends, for either role."""

from typing import Final

CLOSING: Final = {
    "unknown verb": b"HELLO world\r\n",
    "SUB": b"SUB a 1\r\n",
    "PUB": b"PUB a 2\r\nhi\r\n",
    "MSG": b"MSG a RSID:1:1 2\r\nhi\r\n",
    "LS+ nothing": b"LS+\r\n",
    "LS+ two words": b"LS+ a b\r\n",
    "LS+ four words": b"LS+ a b 1 2\r\n",
    "LMSG nothing": b"LMSG\r\n",
    "LMSG no size": b"LMSG a\r\n",
    "LMSG size of letters": b"LMSG a x\r\nhi\r\n",
    "LMSG size below zero": b"LMSG a -1\r\nhi\r\n",
    "LMSG size too large": b"LMSG a 99999999\r\nhi\r\n",
    "LMSG size of many digits": b"LMSG a 9999999999999999999999\r\nhi\r\n",
    "LMSG size too small": b"LMSG a 1\r\nhi\r\nPING\r\n",
    "LMSG blank in the subject": b"LMSG a b c d 2\r\nhi\r\n",
    "HMSG one size": b"HMSG a 12\r\nNATS/1.0\r\n\r\n\r\n",
    "HMSG headers longer than all": b"HMSG a 14 12\r\nNATS/1.0\r\n\r\nhi\r\n",
    "HMSG size below zero": b"HMSG a -1 12\r\nNATS/1.0\r\n\r\n\r\n",
    "HMSG size too large": b"HMSG a 12 99999999\r\nNATS/1.0\r\n\r\n\r\n",
    "a line without an end": b"LS+ " + 1_000_000 * b"a",
    "a message line without an end": b"LMSG " + 1_000_000 * b"a",
    "zero bytes": bytes(100_000),
    "a ClientHello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "a request of HTTP": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
}
"""What ends a link."""

TOLERATED: Final = {
    "an empty token": b"LS+ a..b\r\n",
    "a subject that ends with a dot": b"LS+ a.\r\n",
    "a wildcard in front of others": b"LS+ >.a\r\n",
    "an unknown subject": b"LS- never.announced\r\n",
    "an unknown group": b"LS- never.announced g\r\n",
    "the same again": b"LS+ twice\r\nLS+ twice\r\nLS- twice\r\n",
}
"""What is refused or ignored, while the link goes on."""

UNCLEAR: Final = {
    "a weight of letters": b"LS+ a b x\r\n",
    "a weight below zero": b"LS+ a b -1\r\n",
    "a huge weight": b"LS+ a b 99999999999999999999\r\n",
    "a weight of zero": b"LS+ a b 0\r\n",
    "control characters": b"LS+ a\x00\x1b[31m\r\n",
    "bytes that are no text": b"LS+ \xff\xfe\r\nLMSG \xff\xfe 2\r\nhi\r\n",
    "a lone line end": b"\n\r\n\n",
    "errors without end": 5_000 * b"-ERR 'again'\r\n",
    "INFO again and again": 2_000
    * b'INFO {"server_id":"N","leafnode_urls":["127.0.0.1:1"],"client_id":1}\r\n',
}
"""What may end the link or not; the server is well in either case."""
