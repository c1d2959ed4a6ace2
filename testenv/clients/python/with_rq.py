"""rq: jobs that a worker process takes from a queue."""

import os
import subprocess
import sys
import threading

import redis
import rq

import rq_jobs
import steady
from steady import same, until

client = redis.Redis(steady.host, steady.port)
queue = rq.Queue("work", connection=client)


class Workers(threading.Thread):
    """Runs one worker after another, as a supervisor does: a worker ends on any error reply, UNCERTAIN among them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.lock, self.process, self.over = threading.Lock(), None, False

    def run(self):
        here = os.path.dirname(os.path.abspath(__file__))
        while True:
            with self.lock:
                if self.over:
                    return
                self.process = subprocess.Popen([
                    sys.executable, "-B", os.path.join(here, "rq_jobs.py"), sys.argv[1]])
            self.process.wait()

    def end(self):
        with self.lock:
            self.over = True
            if self.process:
                self.process.kill()


workers = Workers()
workers.start()


def result(job):
    until("a job", lambda: job.get_status(refresh=True) == "finished")
    return job.result


same(result(queue.enqueue(rq_jobs.double, 21)), 42)
same(result(queue.enqueue(rq_jobs.fail_once, 7, retry=rq.Retry(max=1))), 7)
first = queue.enqueue(rq_jobs.double, 1)
same(result(queue.enqueue(rq_jobs.double, 2, depends_on=first)), 4)


def write(number):
    queue.enqueue(rq_jobs.work, number, result_ttl=0)


def read_all(acknowledged):
    def all_done():
        done = {int(number) for number in client.lrange(rq_jobs.DONE, 0, -1)}
        return all(number in done for number in acknowledged)
    try:
        until("all jobs", all_done, times=3000)
    except AssertionError as late:  # what a receipt tells of may be missing; the runner judges that
        print(late, file=sys.stderr)
    workers.end()
    return client.lrange(rq_jobs.DONE, 0, -1)


steady.run("rq", rq.VERSION, [
    "jobs and results", "retries", "dependent jobs", "jobs added and worked on over the switch"],
    "rq:queue:work", write, read_all,
    "its worker is started again when it ends, as it does on an error reply")
