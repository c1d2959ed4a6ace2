"""Sessions of a web application: whichever worker and connection has made one, every other one knows it."""

import json
import uuid

import program
from program import same


class Sessions:
    def __init__(self, client, ttl=1800):
        self.client, self.ttl = client, ttl

    def create(self, user, **values):
        """Makes a session and gives its id. It is there with its end, or not at all."""
        session = uuid.uuid4().hex
        with self.client.pipeline() as pipe:
            pipe.hset(f"session:{session}", mapping={"user": user, "values": json.dumps(values)})
            pipe.expire(f"session:{session}", self.ttl)
            pipe.execute()
        return session

    def read(self, session):
        """What a session holds, or None. Whoever reads it keeps it alive."""
        found = self.client.hgetall(f"session:{session}")
        if not found:
            return None
        self.client.expire(f"session:{session}", self.ttl)
        return {"user": found["user"], **json.loads(found["values"])}

    def destroy(self, session):
        return self.client.delete(f"session:{session}") == 1


def main():
    pool = program.connect().connection_pool
    # Each keeps a connection of the pool to itself, as two workers of an application would.
    one, other = (program.Client(connection_pool=pool, single_connection_client=True) for _ in range(2))
    same(one.client_id() != other.client_id(), True)
    here, there = Sessions(one), Sessions(other)
    ids = [here.create("ada", cart=[number], theme="dark") for number in range(20)]
    for number, session in enumerate(ids):
        same(there.read(session), {"user": "ada", "cart": [number], "theme": "dark"})
        same(0 < other.ttl(f"session:{session}") <= 1800, True)
    same(there.destroy(ids[0]), True)
    same(here.read(ids[0]), None)
    same(sum(here.destroy(session) for session in ids), 19)


if __name__ == "__main__":
    main()
