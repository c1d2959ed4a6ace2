"""Asks a Sentinel for the primary and a replica; writes to the one and reads from the other."""

import redis
from redis.sentinel import MasterNotFoundError, Sentinel

import program
from program import refuses, same, until

NAME = program.settings.master
patient = {"socket_timeout": 30, "decode_responses": True}

sentinel = Sentinel([program.endpoint(address) for address in program.settings.addresses], **patient)
master = sentinel.master_for(NAME, redis_class=program.Client, **patient)
slave = sentinel.slave_for(NAME, redis_class=program.Client, **patient)


class Split:
    """Writes go to the primary, reads to a replica."""

    def __init__(self, writes, reads):
        self.set, self.incr, self.delete = writes.set, writes.incr, writes.delete
        self.get, self.ttl = reads.get, reads.ttl


same(sentinel.discover_master(NAME)[0], "127.0.0.1")
same(len(sentinel.discover_slaves(NAME)) > 0, True)
refuses("No master found", sentinel.discover_master, "nobody", kind=MasterNotFoundError)
same(master.role()[0], "master")
same(slave.info("replication")["role"], "slave")

split = Split(master, slave)
split.delete("split:name", "split:count")
same(split.set("split:name", "Ada", ex=60), True)
same([split.incr("split:count") for _ in range(3)], [1, 2, 3])
# A replica is behind its primary, if only for a moment.
until("what was written on a replica", lambda: split.get("split:name") == "Ada" and split.get("split:count") == "3")
same(0 < split.ttl("split:name") <= 60, True)
refuses("read only replica", slave.set, "split:name", "x", kind=redis.ReadOnlyError)
same(master.get("split:name"), "Ada")
with master.pipeline() as pipe:
    same(pipe.incr("split:count").get("split:count").execute(), [4, "4"])
same(split.delete("split:name", "split:count"), 2)
