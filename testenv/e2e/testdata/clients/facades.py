# Sentinel and RedisCluster of redis-py against the facades of a gateway: facades.py CLUSTER REPLICA SENTINEL NAME, each a
# port of 127.0.0.1. Says "ready" when all has been done once, waits for a line, and does it again.

import sys

from redis.cluster import RedisCluster
from redis.exceptions import ReadOnlyError
from redis.sentinel import MasterNotFoundError, Sentinel, SlaveNotFoundError

cluster_port, replica_port, sentinel_port = (int(port) for port in sys.argv[1:4])
name = sys.argv[4]
patient = {"socket_timeout": 30}


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def refuses(kind, call, *args):
    try:
        got = call(*args)
    except kind:
        return
    raise AssertionError(f"{call} {args} answered {got!r}")


sentinel = Sentinel([("127.0.0.1", sentinel_port)], **patient)
master = sentinel.master_for(name, **patient)
slave = sentinel.slave_for(name, **patient)
cluster = RedisCluster("127.0.0.1", cluster_port, **patient)
events = sentinel.sentinels[0].pubsub()
events.psubscribe("*")
same(events.get_message(timeout=30)["type"], "psubscribe")


def round(number):
    key = f"count:{number}"
    same(sentinel.discover_slaves(name), [("127.0.0.1", replica_port)])
    same(master.set(key, number), True)
    same(master.incr(key), number + 1)
    same(master.get(key), b"%d" % (number + 1))
    same(cluster.get(key), b"%d" % (number + 1))
    same(cluster.set("other", number), True)
    same(cluster.mget_nonatomic(key, "other"), [b"%d" % (number + 1), b"%d" % number])
    with cluster.pipeline() as pipe:
        same(pipe.incr(key).get("other").delete("other").execute(), [number + 2, b"%d" % number, 1])
    slave.get(key)  # may be behind
    refuses(ReadOnlyError, slave.set, key, 0)
    refuses(ReadOnlyError, slave.eval, "return redis.call('set', KEYS[1], 0)", 1, key)
    same(master.get(key), b"%d" % (number + 2))
    events.ping()
    same(events.get_message(timeout=30)["type"], "pong")


# sentinel_ckquorum of redis-py 4.3.4 is a TypeError whatever is answered.
same(sentinel.sentinels[0].execute_command("SENTINEL", "CKQUORUM", name)[:2], b"OK")
same(sentinel.sentinels[0].sentinel_sentinels(name), [])
refuses(MasterNotFoundError, sentinel.discover_master, "nobody")
refuses(SlaveNotFoundError, Sentinel([("127.0.0.1", sentinel_port)]).slave_for("nobody").ping)
same(master.info()["role"], "master")
same(slave.info()["role"], "slave")
same(cluster.info(target_nodes="random")["cluster_enabled"], 1)
same([(n.host, n.port, n.server_type) for n in cluster.get_nodes()], [("127.0.0.1", cluster_port, "primary")])
same(cluster.keyslot("{user1000}.following"), cluster.cluster_keyslot("{user1000}.following"))
round(1)
print("ready", flush=True)
sys.stdin.readline()
round(2)
print("done", flush=True)
