"""A list as a queue of tasks: pushed at one end, taken from the other."""

import json

import program
from program import same

QUEUE = "tasks"

client = program.connect()
client.delete(QUEUE)

for number in range(5):
    same(client.lpush(QUEUE, json.dumps({"id": number, "do": "resize"})), number + 1)
same(client.rpush(QUEUE, json.dumps({"id": 99, "do": "urgent"})), 6)
same(client.llen(QUEUE), 6)
same([json.loads(task)["id"] for task in client.lrange(QUEUE, 0, -1)], [4, 3, 2, 1, 0, 99])

done = []
while task := client.rpop(QUEUE):
    done.append(json.loads(task)["id"])
same(done, [99, 0, 1, 2, 3, 4])

same(client.rpush(QUEUE, "last"), 1)
same(client.brpop(QUEUE, timeout=5), (QUEUE, "last"))
same(client.blpop([QUEUE], timeout=0.05), None)
same(client.exists(QUEUE), 0)
