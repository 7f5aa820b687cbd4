"""Members of a CONNECT that say what may pass a link: those of clients are checked, and mean nothing."""

LINK_RIGHTS = ("import", "export")


def are_link_rights(value: object) -> bool:
    """Whether this is an object whose `allow` and `deny`, if it has them, are lists of texts.

    Objects are tuples of names and values.
    """
    return isinstance(value, tuple) and all(
        isinstance(texts, list | None) and all(isinstance(text, str | None) for text in texts or ())
        for name, texts in value
        if name.casefold() in ("allow", "deny")
    )
