"""What the programs of make compat share: steady work while the primary is killed, and what is told of it.

A program does its usual work, and then calls run. It prints "ready KEY", works until a line on standard input says that
the primary has been replaced, works on a little, reads everything back, and prints a line of JSON.
"""

import collections
import json
import os
import sys
import threading
import time

BEFORE, AFTER, PAUSE = 50, 100, 0.01

host, _, port = sys.argv[1].rpartition(":")
port = int(port)
# What redis-py takes for TLS. Its old versions check no name by default.
ca = os.environ.get("EVERGATE_CA")
tls = {"ssl": True, "ssl_check_hostname": True, "ssl_ca_certs": ca} if ca else {}
errors = collections.Counter()


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def until(what, condition, times=1500):
    for _ in range(times):
        if got := condition():
            return got
        time.sleep(0.01)
    raise AssertionError(f"asked {times} times for {what}")


def note(error):
    errors[f"{type(error).__name__}: {error}"[:300]] += 1


def run(library, version, ran, key, write, read_all, settings=""):
    """Writes numbers until told, and reads them back: read_all is given the acknowledged ones, gives those found."""
    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    acknowledged, tried, left = [], 0, AFTER
    while left > 0:
        try:
            write(tried)
            acknowledged.append(tried)
        except Exception as error:
            note(error)
        tried += 1
        if tried == BEFORE:
            print("ready", key, flush=True)
        if told.is_set():
            left -= 1
        time.sleep(PAUSE)
    found = collections.Counter(int(number) for number in read_all(acknowledged))
    print(json.dumps({
        "library": library, "version": version, "ran": ran, "settings": settings, "operations": tried,
        "acknowledged": len(acknowledged), "missing": sum(number not in found for number in acknowledged),
        "twice": sum(times > 1 for times in found.values()), "errors": errors}), flush=True)
