"""redis-py with default settings while a primary fails over or gateways restart.

    maintained.py HOST:PORT CONNECTIONS on|off [cluster]

Each connection increments a number of its own and reads it, steadily. With "cluster" ten of them share a cluster client,
and there may be several addresses, with commas between them. It prints "ready" when all of them have begun, and
after a line on standard input a line of JSON: operations, errors by their text, the longest operation in milliseconds.
"""

import json
import sys
import threading
import time

import redis
from redis.cluster import ClusterNode

address, connections, notifications = sys.argv[1], int(sys.argv[2]), sys.argv[3]
is_cluster = sys.argv[4:] == ["cluster"]
if int(redis.__version__.split(".")[0]) < 8:
    sys.exit(f"redis-py {redis.__version__} asks for no notifications: 8.0 is the first that does by default")
settings = {}
if notifications == "off":
    from redis.maint_notifications import MaintNotificationsConfig
    settings["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)

stopped = threading.Event()
lock = threading.Lock()
errors, operations, longest = {}, 0, 0.0
begun = threading.Semaphore(0)


def plain_client():
    host, _, port = address.rpartition(":")
    return redis.Redis(host, int(port), **settings)


def cluster_client():
    nodes = [node.rpartition(":") for node in address.split(",")]
    return redis.RedisCluster(startup_nodes=[ClusterNode(host, int(port)) for host, _, port in nodes], **settings)


def work(number, client):
    global operations, longest
    done = 0
    while not stopped.is_set():
        for operation in (lambda: client.incr(f"n{number}"), lambda: client.get(f"n{number}")):
            began = time.monotonic()
            try:
                operation()
            except Exception as error:
                with lock:
                    text = f"{type(error).__name__}: {error}"[:200]
                    errors[text] = errors.get(text, 0) + 1
            with lock:
                operations += 1
                longest = max(longest, time.monotonic() - began)
            if (done := done + 1) == 1:
                begun.release()
            stopped.wait(connections / 1000)


if is_cluster:
    clients = [cluster_client() for _ in range((connections + 9) // 10)]
else:
    clients = [plain_client() for _ in range(connections)]
threads = [threading.Thread(target=work, args=(number, clients[number % len(clients)])) for number in range(connections)]
for thread in threads:
    thread.start()
for _ in threads:
    begun.acquire()
print("ready", flush=True)
sys.stdin.readline()
stopped.set()
for thread in threads:
    thread.join()
print(json.dumps({"library": "redis-py", "version": redis.__version__, "operations": operations, "errors": errors,
                  "longest": round(longest * 1000)}), flush=True)
