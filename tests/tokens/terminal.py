"""A terminal in place of standard input, for the questions of the commands."""

from io import StringIO


class Terminal(StringIO):
    """Standard input on a terminal, with the lines that the operator types."""

    def isatty(self):
        return True


def typed(monkeypatch, *lines):
    """Replace standard input by a terminal on which the operator types `lines`, and then ends the input."""
    monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))


def piped(monkeypatch, *lines):
    """Replace standard input by a pipe with `lines`."""
    monkeypatch.setattr("sys.stdin", StringIO("".join(f"{line}\n" for line in lines)))
