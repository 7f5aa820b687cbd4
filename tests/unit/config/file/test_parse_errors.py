"""Broken files, and what is reported about each; the files are in ``tests/config/broken``."""

from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.load import read_file

BROKEN = Path(__file__).parents[3] / "config" / "broken"

TABLE = """
array_unclosed.conf:4:1: Parse error: unclosed '[' opened at line 2
array_with_empty_element.conf:1:14: Parse error: expected a value or ']', found ','
array_with_semicolons.conf:1:13: Parse error: expected the end of the line, ',' or ']', found ';'
array_without_commas.conf:1:14: Parse error: expected the end of the line, ',' or ']', found text
blank_in_a_password.conf:3:17: Parse error: expected the end of the line, ',' or '}', found text
bracket_missing.conf:6:1: Parse error: unclosed '{' opened at line 1
bracket_of_the_other_kind.conf:4:3: Parse error: expected ']' for the '[' of line 2, found '}'
bracket_too_many.conf:4:1: Parse error: '}' closes nothing
bracket_without_blank.conf:1:8: Parse error: expected a space before '{'
comment_touches_slashes.conf:1:22: Parse error: expected the end of the line, found text
date_impossible.conf:1:8: the date does not exist
date_too_short.conf:1:8: expected a date like 2016-04-26T13:21:20Z; other text needs quotes
double_quote_closed_late.conf:2:12: Parse error: expected the end of the line, found text, after a text that began at line 1
double_quote_unclosed.conf:1:11: Parse error: unclosed '"'
escape_half.conf:1:40: a \\ must begin one of \\t \\n \\r \\" \\\\ \\xHH
escape_not_text.conf:1:7: the bytes after \\x are not UTF-8
escape_unknown.conf:1:11: a \\ must begin one of \\t \\n \\r \\" \\\\ \\xHH
float_without_first_digit.conf:1:26: a number needs a digit before the '.'
float_without_last_digit.conf:1:26: a number needs a digit after the '.'
parts/circle.conf:2:9: include loop: the file is being read already ← include_in_a_circle.conf
include_missing.conf:2:9: error opening included file: open nowhere.conf: no such file or directory
parts/broken.conf:3:17: Parse error: expected the end of the line, ',' or '}', found text ← include_of_a_broken_file.conf
include_of_a_directory.conf:1:9: error opening included file: read parts: is a directory
include_of_itself.conf:2:9: include loop: the file is being read already
include_without_name.conf:1:8: Parse error: expected a file name, found the end of the line
ini.conf:1:9: Parse error: expected a value, found the end of the line
integer_too_large.conf:1:14: the number does not fit into 64 bits
json_with_two_values.conf:3:22: Parse error: expected the end of the line, ',' or '}', found text
key_missing.conf:2:1: Parse error: expected a key, found '='
key_missing_between_commas.conf:1:22: Parse error: expected a key or '}', found ','
nested_deeply.conf:1:403: Parse error: nested deeper than 100 levels
not_text.conf:2:10: the file is not UTF-8 text
number_after_minus.conf:1:7: expected a number after '-'; other text needs quotes
outer_brackets_closed_early.conf:4:1: Parse error: expected the end of the file, found text
parenthesis_on_one_line.conf:1:9: Parse error: unclosed '(': a line that is only ')' ends the text
quote_in_a_word.conf:3:16: Parse error: expected the end of the line, ',' or '}', found text
quoted_key_unclosed.conf:1:1: Parse error: unclosed '"'
several.conf:1:12: Parse error: expected the end of the line, found text
several.conf:4:12: a number needs a digit before the '.'
several.conf:6:19: Parse error: expected the end of the line, ',' or '}', found text
several.conf:9:12: Parse error: expected the end of the line, ',' or '}', found text
several.conf:13:5: Parse error: expected a value, found the end of the line
single_quote_unclosed.conf:1:11: Parse error: unclosed "'"
size_too_large.conf:1:14: the number does not fit into 64 bits
two_pairs_on_a_line.conf:1:12: Parse error: expected the end of the line, found text
two_values.conf:1:12: Parse error: expected the end of the line, found text
value_missing.conf:2:6: Parse error: expected a value, found the end of the line
value_missing_at_end.conf:2:5: Parse error: expected a value, found the end of the line
value_missing_before_bracket.conf:1:40: Parse error: expected a value, found '}'
value_missing_in_block.conf:3:11: Parse error: expected a value, found the end of the line
value_on_next_line.conf:1:6: Parse error: expected a value, found the end of the line
variable_read_later.conf:1:7: unknown variable: no key above and no environment variable has this name; text that begins with '$' needs quotes
variable_unknown.conf:3:13: unknown variable: no key above and no environment variable has this name; text that begins with '$' needs quotes
yaml.conf:2:9: Parse error: expected a value, found the end of the line
"""  # noqa: E501 - a row is one line, as it is reported

ROWS = TABLE.strip().splitlines()
FILES = [str(path.relative_to(BROKEN)) for path in sorted(BROKEN.glob("*.conf"))]


def reported(file: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is wrong with a file, read from beside it."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ConfigError) as raised:
        read_file(file, {})
    return str(raised.value).splitlines()


@pytest.mark.parametrize("file", FILES)
def test_one_line_for_each_mistake(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake is reported in one line, with its place and what to do, and none is reported twice."""
    rows = [row.partition(" ← ") for row in ROWS]

    assert [line for line, _, origin in rows if (origin or line.partition(":")[0]) == file] == reported(
        file, monkeypatch
    )


def test_secrets_are_kept() -> None:
    """No line repeats what is in a file."""
    secrets = ("S3cr3t", "ecret", "foo", "bar")

    assert not [row for row in ROWS for secret in secrets if secret in row.partition(": ")[2]]
