"""stage: several sessions that run the steps of one story, one step at a time.

A step that waits for another session's lock is left waiting, and the story goes on with the next
session that is free.  So nothing depends on time but which of two sessions a deadlock ends.
"""
import collections
import concurrent.futures
import time


class Stage:
    def __init__(self, sessions, observer, done):
        self.sessions = sessions
        self.observer = observer
        self.done = done                # called with session, step and outcome, in the order of their ends
        self.busy = {}                  # session's number -> (step, future)
        self.pools = [concurrent.futures.ThreadPoolExecutor(1) for _ in sessions] if len(sessions) > 1 else []

    def play(self, steps):
        waiting = collections.deque(steps)
        while waiting:
            step = self.next_step(waiting)
            if step is None:
                self.wait()
            elif self.pools:
                future = self.pools[step.session].submit(self.sessions[step.session].run, step)
                self.busy[step.session] = step, future
                self.settle()
            else:
                self.done(self.sessions[0], step, self.sessions[0].run(step))
        while self.busy:
            self.wait()

    def next_step(self, waiting):
        held = set(self.busy)
        for i, step in enumerate(waiting):
            if step.session not in held:
                del waiting[i]
                return step
        return None

    def settle(self):
        """Until each that is busy is blocked by another."""
        while self.busy:
            self.collect(0.004)
            if all(self.is_blocked(number) for number in self.busy):
                return

    def wait(self):
        self.collect(0.05)
        self.settle()

    def collect(self, seconds):
        futures = [future for _, future in self.busy.values()]
        concurrent.futures.wait(futures, seconds, concurrent.futures.FIRST_COMPLETED)
        for number, (step, future) in list(self.busy.items()):
            if future.done():
                del self.busy[number]
                self.done(self.sessions[number], step, future.result())

    def is_blocked(self, number):
        self.observer.execute('SELECT cardinality(pg_blocking_pids(%s)) > 0', (self.sessions[number].pid,))
        return self.observer.fetchone()[0]

    def close(self):
        for pool in self.pools:
            pool.shutdown()
