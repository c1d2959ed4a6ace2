"""Spreads requests over several addresses, and leaves out one that is gone."""

import collections
import itertools
import socket
import threading

import redis

import program
from program import same


class Balancer:
    def __init__(self, clients):
        self.clients, self.turn, self.lock = clients, itertools.count(), threading.Lock()
        self.down, self.served = set(), collections.Counter()

    def __getattr__(self, command):
        def call(*args, **options):
            for _ in self.clients:
                with self.lock:
                    at = next(self.turn) % len(self.clients)
                if at in self.down:
                    continue
                try:
                    answer = getattr(self.clients[at], command)(*args, **options)
                except redis.ConnectionError:
                    self.down.add(at)
                    continue
                with self.lock:
                    self.served[at] += 1
                return answer
            raise redis.ConnectionError("nobody answers")

        return call


clients = [program.connect(address) for address in program.settings.addresses]
balancer = Balancer(clients)
clients[0].delete("balanced")
for number in range(30):
    same(balancer.incr("balanced"), number + 1)  # whoever is asked next knows what was written
share = 30 // len(clients)
same([balancer.served[at] for at in range(len(clients))], [share] * len(clients))


def count():
    with program.unrecorded():  # in what order threads come is of the moment
        for _ in range(20):
            balancer.incr("balanced")


threads = [threading.Thread(target=count) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
same(balancer.get("balanced"), "130")

# One that nobody listens on: its port is taken, and closed.
with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    gone = redis.Redis(*taken.getsockname(), decode_responses=True)
    limping = Balancer([gone, *clients])
    for _ in range(10):
        same(limping.get("balanced"), "130")
    same(limping.down, {0})
    same(sum(limping.served.values()), 10)
same(clients[-1].delete("balanced"), 1)
