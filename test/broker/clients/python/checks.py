"""Runs named checks, and says of each as a line of JSON how it ended."""

import concurrent.futures
import json
import multiprocessing
import signal
import sys
import traceback

LIMIT_S = 60
_checks = []


def check(title, apart=False):
    """
    A check that is named by what it promises. One that is apart changes nothing that another looks at: those run at the
    same time, after the others, each in a process of its own.
    """

    def register(function):
        _checks.append((title, function, apart))
        return function

    return register


def _too_long(_signal, _frame):
    raise TimeoutError("it took longer than %d s" % LIMIT_S)


def _run_one(title, function, args):
    result = {"title": title}
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT_S)
    try:
        function(*args)
    except BaseException:  # pylint: disable=broad-except
        result["error"] = traceback.format_exc()
    finally:
        signal.alarm(0)
    print(json.dumps(result), flush=True)


def run(*args):
    """Runs all checks with these arguments."""
    for title, function, apart in _checks:
        if not apart:
            _run_one(title, function, args)
    together = [(title, function) for title, function, apart in _checks if apart]
    if not together:
        return
    # These clients wait most of the time. A copy of this process has what takes long to load.
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(len(together), mp_context=context) as processes:
        for ended in [processes.submit(_run_one, title, function, args) for title, function in together]:
            ended.result()


def equal(got, wanted):
    if got != wanted:
        raise AssertionError("%r, where %r is wanted" % (got, wanted))


def settings():
    """What the test gives: the broker's port, connection string, key name, key and file of its authority."""
    return json.loads(sys.argv[1])
