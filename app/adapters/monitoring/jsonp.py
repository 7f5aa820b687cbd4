"""JSON as it is, or wrapped in a call of the reader's function (JSONP)."""

from fastapi import Response

CALLBACK = r"^[A-Za-z0-9_.$\[\]]*$"
"""What may be called: names and members, nothing that begins another statement."""

JSON = "application/json"
JAVASCRIPT = "application/javascript"


def reply(json: bytes, callback: str = "", status: int = 200) -> Response:
    """An answer: ``callback(json)`` as a script, or without a callback just the JSON.

    Plain JSON may be read by pages of any origin, as with today's servers; whoever
    uses JSONP needs no such permission.
    """
    if callback:
        return Response(b"%b(%b)" % (callback.encode(), json), status, media_type=JAVASCRIPT)
    return Response(json, status, {"Access-Control-Allow-Origin": "*"}, media_type=JSON)
