"""Text as C string literals, for the scripts that write C."""
import sys

LONGEST = 4000
ESCAPES = {ord("\n"): "\\n", ord("\t"): "\\t", ord('"'): '\\"', ord("\\"): "\\\\"}


def _escaped(byte):
    if byte in ESCAPES:
        return ESCAPES[byte]
    # Three octal digits never run into the character that follows, as hexadecimal ones do.
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def c_literal(text, path):
    """The bytes as adjacent literals, one a line of the text."""
    if b"\0" in text:
        sys.exit(f"{path}: holds a NUL, which text can't")
    pieces = []
    for line in text.splitlines(keepends=True) or [b""]:
        pieces += [line[at : at + LONGEST] for at in range(0, len(line), LONGEST)] or [b""]
    return "\n".join('\t\t"' + "".join(map(_escaped, piece)) + '"' for piece in pieces)
