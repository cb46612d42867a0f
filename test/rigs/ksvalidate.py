"""Check many kickstarts in one process, as ksvalidator does one file at a time.

Reads JSON from stdin, [{"handler": "RHEL9", "path": "..." or "content": "..."}, ...], and writes a list of
messages for each. What happens to a file follows ksvalidator's main(): its handler's version, warnings as
errors, carry on after an error, %include not followed. Start-up takes longer than hundreds of files.
"""
import contextlib
import json
import sys
import warnings

from pykickstart.errors import KickstartError, KickstartParseWarning, KickstartVersionError
from pykickstart.parser import KickstartParser, preprocessFromStringToString
from pykickstart.version import makeVersion


class Collector(KickstartParser):
    """Keeps what KickstartParser prints where errors are not fatal."""

    def __init__(self, handler):
        super().__init__(handler, followIncludes=False, errorsAreFatal=False)
        self.messages = []
        self.lineno = None

    def handleCommand(self, lineno, args):
        self.lineno = lineno  # warnings do not say theirs
        super().handleCommand(lineno, args)

    def _tryFunc(self, fn):
        try:
            fn()
        except Exception as error:  # as in the parent
            self.messages.append(describe(error, self.lineno))
        self.lineno = None


def describe(error, lineno=None):
    """One line: where, which kind, what."""
    if isinstance(error, KickstartError):
        text, lineno = error.message or str(error), error.lineno or lineno
    else:
        text = str(error)
    text = " ".join(str(text).split())
    if isinstance(error, Warning):
        text = "warning: " + text
    return text if lineno is None else f"line {lineno}: {text}"


def check(file):
    try:
        collector = Collector(makeVersion(file["handler"]))
    except KickstartVersionError:
        return [f"The version {file['handler']} is not supported by pykickstart"]
    try:
        if "path" in file:
            with open(file["path"], encoding="utf-8") as stream:
                content = stream.read()
        else:
            content = file["content"]
        text = preprocessFromStringToString(content)
        if not text.strip():
            return ["General error in input file: Empty file"]
        collector.readKickstartFromString(text.decode("utf-8"))
    except Exception as error:  # ksvalidator lets no exception through either
        collector.messages.append(describe(error))
    return collector.messages


warnings.filterwarnings(action="error", category=KickstartParseWarning)
with contextlib.redirect_stdout(sys.stderr):
    verdicts = [check(file) for file in json.load(sys.stdin)]
json.dump(verdicts, sys.stdout)
