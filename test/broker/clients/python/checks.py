"""Runs named checks one after the other, and says of each as a line of JSON how it ended."""

import json
import signal
import sys
import traceback

LIMIT_S = 60
_checks = []


def check(title):
    """A check that is named by what it promises."""

    def register(function):
        _checks.append((title, function))
        return function

    return register


def _too_long(_signal, _frame):
    raise TimeoutError("it took longer than %d s" % LIMIT_S)


def run(*args):
    """Runs all checks with these arguments."""
    signal.signal(signal.SIGALRM, _too_long)
    for title, function in _checks:
        result = {"title": title}
        signal.alarm(LIMIT_S)
        try:
            function(*args)
        except BaseException:  # pylint: disable=broad-except
            result["error"] = traceback.format_exc()
        finally:
            signal.alarm(0)
        print(json.dumps(result), flush=True)


def equal(got, wanted):
    if got != wanted:
        raise AssertionError("%r, where %r is wanted" % (got, wanted))


def settings():
    """What the test gives: the broker's port, connection string, key name, key and file of its authority."""
    return json.loads(sys.argv[1])
