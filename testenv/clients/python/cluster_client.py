"""A client that knows nothing but clusters."""

from redis.cluster import ClusterNode
from redis.exceptions import RedisClusterException

import program
from program import refuses, same

# A list of dictionaries, as older libraries took them, is an AttributeError before a byte is sent.
nodes = [ClusterNode(*program.endpoint(address)) for address in program.settings.addresses]


client = program.ClusterClient(startup_nodes=nodes, decode_responses=True, socket_timeout=30)
names = [f"cluster:{number}" for number in range(100)]
client.delete(*names, "{user:1}:name", "{user:1}:mail")
same(client.ping(), True)
for number, name in enumerate(names):
    same(client.set(name, number), True)
same([client.get(name) for name in names], [str(number) for number in range(100)])
same(client.mget_nonatomic(names), [str(number) for number in range(100)])
same(client.exists(*names, "cluster:none"), 100)
same(sorted(client.scan_iter(match="cluster:*", count=10)), sorted(names))
same(client.incrby("cluster:1", 41), 42)
same(client.mset({"{user:1}:name": "Ada", "{user:1}:mail": "ada@example.com"}), True)
same(client.mget("{user:1}:name", "{user:1}:mail"), ["Ada", "ada@example.com"])
refuses("same key slot", client.mget, "cluster:1", "cluster:2", kind=RedisClusterException)
with client.pipeline() as pipe:
    same(pipe.get("cluster:1").get("cluster:2").incr("cluster:3").execute(), ["42", "2", 4])
same(client.eval("return redis.call('GET', KEYS[1])", 1, "cluster:4"), "4")
same(client.info(target_nodes=program.ClusterClient.RANDOM)["cluster_enabled"], 1)
same(client.cluster_keyslot("cluster:1"), client.keyslot("cluster:1"))
same(client.delete(*names, "{user:1}:name", "{user:1}:mail"), 102)
