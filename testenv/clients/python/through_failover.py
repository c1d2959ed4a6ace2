"""Fifty idle workers of a job queue, and a writer of sessions, while the primary of the queue is killed.

Says "ready" when the workers are idle, waits for a line, which says that the primary is being killed, and goes on. Its
last line is what came of it, in JSON.
"""

import collections
import json
import sys
import threading

import program
from job_queue import JobQueue
from program import same, until
from sessions import Sessions

WORKERS, JOBS = 50, 100

client = program.connect()
queue = JobQueue(client, "{email}")
errors = []


def guarded(do, *args):
    try:
        do(*args)
    except Exception as error:
        errors.append(repr(error))


class Writer(threading.Thread):
    """Makes sessions until it is told to stop. An UNCERTAIN one may be there or not; nobody was given its id."""

    def __init__(self):
        super().__init__(target=guarded, args=(self.write,), daemon=True)
        self.acknowledged, self.uncertain, self.stop = [], 0, threading.Event()

    def write(self):
        sessions = Sessions(client)
        while not self.stop.wait(0.002):
            try:
                self.acknowledged.append(sessions.create("ada", number=len(self.acknowledged)))
            except program.ResponseError as error:
                # redis-py puts words before the error of a command within a pipeline.
                if "UNCERTAIN evergate" not in str(error):
                    raise
                self.uncertain += 1


def enqueue(many):
    return [queue.enqueue(number=number) for number in range(many)]


def handled():
    return {job: int(times) for job, times in client.hgetall("{email}:done").items()}


def idle(jobs):
    """Says whether all of the jobs are done and all workers wait for the next one, or what has gone wrong."""
    same(errors, [])
    waits = client.llen(queue.taken) == 0 and client.info("clients")["blocked_clients"] == WORKERS
    return waits and set(jobs) <= set(handled())


def await_jobs(jobs):
    try:
        until("all jobs", lambda: idle(jobs))
    except AssertionError:
        left = [client.llen(key) for key in (queue.waiting, queue.taken, queue.failed)]
        blocked = client.info("clients")["blocked_clients"]
        undone = len(set(jobs) - set(handled()))
        print(f"{left} jobs are left, {undone} not done; {blocked} workers wait", file=sys.stderr)
        raise


def receipts():
    """How many acknowledged writes each failover has cost at most, when the gateway has said so of all of them."""
    switches = [told for name, told in client.info("failover").items() if name[len("failover"):].isdigit()]
    lost = [told.get("lost_at_most") for told in switches if told["from"] != told["to"]]
    return None not in lost and lost


def handle(job):
    client.hincrby("{email}:done", job["id"], 1)


# Daemons, so that this program ends when something is wrong.
workers = [threading.Thread(target=guarded, args=(queue.work, handle), daemon=True) for _ in range(WORKERS)]
for worker in workers:
    worker.start()
before = enqueue(JOBS)
await_jobs(before)
writer = Writer()
writer.start()
until("some sessions", lambda: len(writer.acknowledged) > 50)
print("ready", flush=True)
sys.stdin.readline()

after = enqueue(1)  # waits for the new primary
until("a switch", lambda: client.info("failover")["failovers_switched"] > 0)
after += enqueue(JOBS - 1)
await_jobs(after)
writer.stop.set()
writer.join()
queue.stop(WORKERS)
for worker in workers:
    worker.join()

same(errors, [])
done = handled()
same(collections.Counter(done.values()), {1: len(done)})  # nothing twice
same((client.llen(queue.waiting), client.llen(queue.taken), client.llen(queue.failed)), (0, 0, 0))
missing = [job for job in before if job not in done]
sessions = Sessions(client)
with program.unrecorded():
    for number, session in enumerate(writer.acknowledged):
        if (found := sessions.read(session)) is None:
            missing.append(session)
        else:
            same(found, {"user": "ada", "number": number})
lost = until("receipts", receipts)
same("unknown" in lost or len(missing) <= sum(lost), True)
print(json.dumps({"sessions": len(writer.acknowledged), "uncertain": writer.uncertain, "missing": len(missing),
                  "lost_at_most": lost}))
