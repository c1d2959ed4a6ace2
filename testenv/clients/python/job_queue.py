"""A queue of jobs that loses none: what a worker has taken stays in a second list until it is done.

BRPOPLPUSH moves between two keys, so in a cluster both must lie in one slot: the names share a {tag}.
"""

import json
import threading
import uuid

import program
from program import same


class JobQueue:
    STOP = "stop"

    def __init__(self, client, name, attempts=3):
        self.client, self.attempts = client, attempts
        self.waiting, self.taken, self.failed = (f"{name}:{of}" for of in ("queue", "processing", "failed"))

    def enqueue(self, **what):
        job = {"id": uuid.uuid4().hex, "attempt": 1, **what}
        self.client.lpush(self.waiting, json.dumps(job))
        return job["id"]

    def stop(self, workers=1):
        for _ in range(workers):
            self.client.lpush(self.waiting, self.STOP)

    def work(self, handle):
        """Handles jobs until it is told to stop."""
        while True:
            text = self.client.brpoplpush(self.waiting, self.taken, timeout=0)
            if text == self.STOP:
                self.client.lrem(self.taken, 1, text)
                return
            job = json.loads(text)
            try:
                handle(job)
            except ValueError as error:
                self._again(text, job, str(error))
            else:
                same(self.client.lrem(self.taken, 1, text), 1)

    def _again(self, text, job, error):
        """Puts a job that went wrong back, or away when that has happened too often."""
        last = job["attempt"] >= self.attempts
        job = {**job, "error": error} if last else {**job, "attempt": job["attempt"] + 1}
        with self.client.pipeline() as pipe:  # all of it or nothing
            pipe.lpush(self.failed if last else self.waiting, json.dumps(job))
            pipe.lrem(self.taken, 1, text)
            same(pipe.execute()[1], 1)


def handled_by_a_worker(client):
    queue = JobQueue(client, "{email}")
    client.delete(queue.waiting, queue.taken, queue.failed)
    sent = []

    def send(job):
        if job["to"] == "nobody" or job["to"] == "busy" and job["attempt"] == 1:
            raise ValueError("no answer")
        sent.append(job["to"])

    worker = threading.Thread(target=queue.work, args=(send,), name="worker")
    for to in ("ada", "nobody", "busy", "grace"):
        queue.enqueue(to=to)
    worker.start()
    # Not before the last attempt: a job that is put back would come behind the stop.
    program.until("the failed job", lambda: client.llen(queue.failed) == 1 and len(sent) == 3)
    queue.stop()
    worker.join()
    same(sent, ["ada", "grace", "busy"])
    same(client.llen(queue.waiting), 0)
    same(client.llen(queue.taken), 0)
    failed = json.loads(client.lindex(queue.failed, 0))
    same((failed["to"], failed["attempt"], failed["error"]), ("nobody", 3, "no answer"))
    same(client.delete(queue.failed), 1)


def without_a_tag(client):
    """Works on one Redis; in a cluster the error must say how to name the keys."""
    client.delete("email:queue", "email:queue:processing")
    same(client.lpush("email:queue", "job"), 1)
    try:
        same(client.brpoplpush("email:queue", "email:queue:processing", timeout=1), "job")
    except program.ResponseError as error:
        same(str(error).startswith("CROSSSLOT") and "{hash tag}" in str(error), True)
    same(client.delete("email:queue", "email:queue:processing"), 1)


if __name__ == "__main__":
    own = program.connect()
    handled_by_a_worker(own)
    if program.settings.client != "cluster":  # RedisCluster looks at the slots itself, and does not even ask
        without_a_tag(own)
