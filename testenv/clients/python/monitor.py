"""Looks at the server again and again, keeps the last figures, and raises alerts."""

import json
import time

import program
from program import same

HISTORY, KEPT = "monitor:history", 10

client = program.connect()


def look():
    began = time.monotonic()
    client.ping()
    latency = time.monotonic() - began
    info = program.info(client)
    hits, misses = info["keyspace_hits"], info["keyspace_misses"]
    return {
        "latency_ms": latency * 1000,
        "memory": info["used_memory"],
        "clients": info["connected_clients"],
        "blocked": info["blocked_clients"],
        "commands": info["total_commands_processed"],
        "hit_rate": hits / (hits + misses) if hits + misses else 1,
        "evicted": info["evicted_keys"],
        "uptime": info["uptime_in_seconds"],
        "role": info["role"],
        "version": info["redis_version"],
        "saved": info["rdb_last_bgsave_status"],
    }


def alerts(figures, limits):
    return [name for name, limit in limits.items() if figures[name] > limit]


def keep(figures):
    with client.pipeline() as pipe:
        pipe.lpush(HISTORY, json.dumps(figures))
        pipe.ltrim(HISTORY, 0, KEPT - 1)
        pipe.execute()


client.delete(HISTORY)
with program.unrecorded():  # figures are of the moment
    for _ in range(KEPT + 5):
        keep(look())
same(client.llen(HISTORY), KEPT)
with program.unrecorded():
    history = [json.loads(text) for text in client.lrange(HISTORY, 0, -1)]
newest = history[0]
same((newest["role"], newest["saved"], newest["blocked"]), ("master", "ok", 0))
same(newest["clients"] > 0 and newest["memory"] > 0 and newest["uptime"] >= 0, True)
same(newest["commands"] > history[-1]["commands"], True)  # newest first
same(0 <= newest["hit_rate"] <= 1 and newest["version"].count("."), 2)
same(alerts(newest, {"clients": 0, "memory": 1 << 50, "latency_ms": 60_000, "evicted": 0}), ["clients"])
same(client.delete(HISTORY), 1)
