"""The text that the course's language models read: character names of Unicode 3.2."""

from importlib.resources import files


def unicode_names() -> str:
    r"""10,744 names, one a line; 39 different symbols, the line end among them.

    A model that knows only how frequent each symbol is needs 2.998 nats a character, one that also
    knows the symbol before 2.376. Where the file comes from stands in `course_lib/data/README.md`.

    >>> text = unicode_names()
    >>> text.count("\n"), len(set(text)), text[:24]
    (10744, 39, 'SPACE\nEXCLAMATION MARK\nQ')
    """
    return files("course_lib").joinpath("data/unicode_names.txt").read_text(encoding="ascii")
