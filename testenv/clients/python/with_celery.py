"""celery, with Redis as broker and for the results: tasks that worker threads of the same process do."""

import collections
import logging
import threading
import time

import celery
from celery.bootsteps import RUN
from celery.contrib.testing.worker import start_worker

import steady
from steady import same, until

url = f"redis://{steady.host}:{steady.port}/0"
# The braces put all keys into one slot: what the library does in a transaction spans several otherwise.
app = celery.Celery("compat", broker=url, backend=url)
app.conf.update(
    broker_transport_options={"global_keyprefix": "{compat}"},
    result_backend_transport_options={"global_keyprefix": "{compat}"},
    broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, task_acks_late=True)
logging.disable(logging.ERROR)
done = collections.Counter()


@app.task(name="double")
def double(number):
    return 2 * number


@app.task(name="fail_once", bind=True, max_retries=1, default_retry_delay=0.1)
def fail_once(task, number):
    if task.request.retries == 0:
        raise task.retry()
    return number


@app.task(name="work", ignore_result=True)
def work(number):
    done[number] += 1


def write(number):
    work.apply_async([number], retry=False)


def read_all(acknowledged):
    try:
        until("all tasks", lambda: all(done[number] for number in acknowledged), times=3000)
    except AssertionError as late:  # what a receipt tells of may be missing; the runner judges that
        logging.disable(logging.NOTSET)
        logging.error(late)
    return [number for number, times in done.items() if times]


works, ended = threading.Event(), threading.Event()


def supervise():
    """Starts the worker again when it has ended by itself: an UNCERTAIN answer to an acknowledgement is unrecoverable to
    it, as every error reply is."""
    while not ended.is_set():
        with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False) as worker:
            works.set()
            while worker.blueprint.state == RUN and not ended.is_set():
                time.sleep(0.05)


supervisor = threading.Thread(target=supervise)
supervisor.start()
works.wait()
try:
    same(double.delay(21).get(timeout=20), 42)
    same(fail_once.delay(7).get(timeout=20), 7)
    same(celery.group(double.s(i) for i in range(10))().get(timeout=20), [2 * i for i in range(10)])
    same(celery.chain(double.s(1), double.s())().get(timeout=20), 4)
    same(double.apply_async([3], countdown=0.3).get(timeout=20), 6)
    steady.run("celery", celery.__version__, [
        "tasks and results", "retries", "groups", "chains", "countdown", "tasks added and worked on over the switch"],
        "{compat}celery", write, read_all,
        "global_keyprefix with braces, for broker and results, which a cluster needs; a supervisor that restarts the "
        "worker: celery ends it at an error reply, and so at UNCERTAIN")
finally:
    ended.set()
    supervisor.join()
