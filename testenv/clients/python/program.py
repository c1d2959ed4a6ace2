"""What the programs here share: the server they are told to use, and a record of what it answered.

    python3 strings.py 127.0.0.1:6379                       a client that knows one address
    python3 strings.py 127.0.0.1:26379 --client sentinel    one that asks a Sentinel for it
    python3 memory.py 127.0.0.1:6380 --client cluster       one that knows nothing but clusters

A program ends with an exception where an answer is not what it must be. The record is what the tests compare between
one Redis and a gateway.
"""

import argparse
import logging
import re
import threading
import time
from contextlib import contextmanager

import redis
from redis.client import Pipeline
from redis.cluster import RedisCluster
from redis.exceptions import ResponseError
from redis.sentinel import Sentinel

parser = argparse.ArgumentParser()
parser.add_argument("addresses", nargs="+", metavar="HOST:PORT")
parser.add_argument("--client", choices=["plain", "sentinel", "cluster"], default="plain")
parser.add_argument("--master", default="main", help="what Sentinels call the primary")
parser.add_argument("--ca", help="a file with the CA of the server's certificate: TLS is spoken")
parser.add_argument("--password", help="of the default user")
parser.add_argument("--straight", action="store_true", help="the address is a Redis itself, which must not be harmed")
settings = parser.parse_args()

# RedisCluster prints each error besides raising it.
logging.getLogger("redis.cluster").setLevel(logging.CRITICAL)

# Lines of "thread: call -> answer".
record = []
_silent = threading.local()

# What no two runs have in common: ids that programs make up, and the time.
_ID, _TIME = re.compile(r"[0-9a-f]{32}"), re.compile(r"\b\d{10}(\.\d+)?\b")


def _note(call, answer):
    if getattr(_silent, "on", False):
        return
    call = " ".join(str(word) for word in call)
    line = f"{threading.current_thread().name}: {call[:200]} -> {answer!r}"
    record.append(_TIME.sub("<time>", _ID.sub("<id>", line)))


def noted(call, do):
    """Does what do does, and records it under the name of call."""
    try:
        answer = do()
    except redis.RedisError as error:
        _note(call, error)
        raise
    _note(call, answer)
    return answer


class _RecordedPipeline(Pipeline):
    def execute(self, raise_on_error=True):
        calls = [word for args, _ in self.command_stack for word in (*args, ";")]
        return noted(["PIPELINE", *calls], lambda: super(_RecordedPipeline, self).execute(raise_on_error))


class Client(redis.Redis):
    """A redis.Redis whose answers are recorded."""

    def execute_command(self, *args, **options):
        return noted(args, lambda: super(Client, self).execute_command(*args, **options))

    def pipeline(self, transaction=True, shard_hint=None):
        return _RecordedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class ClusterClient(RedisCluster):
    """A RedisCluster whose answers are recorded, but for those of its pipelines."""

    def execute_command(self, *args, **options):
        return noted(args, lambda: super(ClusterClient, self).execute_command(*args, **options))


def endpoint(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def connect(address=None, **options):
    """A client of the given address, or of the first one that the program was told."""
    options.setdefault("decode_responses", True)
    if settings.password:
        options.setdefault("password", settings.password)
    if settings.ca:
        options |= {"ssl": True, "ssl_ca_certs": settings.ca, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    host, port = endpoint(address or settings.addresses[0])
    if settings.client == "sentinel":
        return Sentinel([(host, port)]).master_for(settings.master, redis_class=Client, **options)
    if settings.client == "cluster":
        return ClusterClient(host, port, **options)
    return Client(host, port, **options)


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def refuses(part, call, *args, kind=ResponseError, **options):
    """The call must be answered with an error that has the part in its text."""
    try:
        got = call(*args, **options)
    except kind as error:
        if part not in str(error):
            raise
        return
    raise AssertionError(f"{args} was answered {got!r}")


@contextmanager
def unrecorded():
    """For what is asked as often as it takes."""
    before, _silent.on = getattr(_silent, "on", False), True
    try:
        yield
    finally:
        _silent.on = before


def info(client, section=None):
    """INFO of all servers. The gateway leaves out one that takes longer than half a second, and says so."""
    words = [section] if section else []
    return until("INFO of all", lambda: "evergate_missing" not in (told := client.info(*words)) and told)


def until(what, condition, times=3000):
    """Asks again until the condition holds, and returns what it gave. A clock would go on while the machine stands."""
    with unrecorded():
        for _ in range(times):
            if got := condition():
                return got
            time.sleep(0.01)
    raise AssertionError(f"asked {times} times for {what}")
