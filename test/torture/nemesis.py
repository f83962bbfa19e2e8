"""nemesis: what goes wrong, and when.

Which fault comes next, and when, is chosen by the seed; which process it meets
depends on those that there are.
"""
import collections
import os
import random
import signal
import threading
import time

from annoyance import Annoyance
from arena import arguments_of
from process import processes

# fault: how often, relative to the others
FAULTS = {
    'kill gateway': 10, 'stop gateway': 14, 'terminate gateway': 2,
    'stop dispatcher': 8, 'terminate dispatcher': 4, 'kill dispatcher': 3,
    'stop backend': 8, 'terminate backend': 6, 'kill backend': 3,
    'kill postmaster': 3, 'restart immediate': 2, 'restart fast': 2,
    'reload with other gateways': 3, 'lock the journal': 2, 'checkpoint': 2, 'annoy': 20,
}
CRASHES = ('kill dispatcher', 'kill backend', 'kill postmaster', 'restart immediate', 'restart fast')


class Nemesis:
    def __init__(self, arena, seed, options):
        self.arena = arena
        self.rng = random.Random(f'{seed}/nemesis')
        self.options = options
        self.counts = {name: 0 for name in FAULTS}
        self.stopped = []               # (timer, pid)
        self.next_at = 0.0
        self.crash_at = 0.0             # not before
        self.settings = self.choose_settings()
        self.settings_lock = threading.Lock()
        self.annoyance = None
        self.annoyances = collections.Counter()

    # The weather of one life of the server

    def choose_settings(self):
        rng = self.rng
        return {
            'bugevents.queue_size': rng.choice(('64kB', '64kB', '256kB', '16MB')),
            'bugevents.gateways': rng.choice((1, 2, 3)),
            'bugevents.window_size': rng.choice(('1MB', '4MB')),
            'bugevents.retention': self.options['retention'],
            'wal_writer_delay': rng.choice(('10ms', '200ms', '10s')),
            'autovacuum': rng.choice(('on', 'off')),
            'bugevents.projector': rng.choice(('on', 'on', 'off')),
        } | self.options['settings']

    def renew_settings(self):
        with self.settings_lock:
            self.settings = self.choose_settings()
            self.arena.set_all(self.settings)

    def change_settings(self, settings):
        """While the server runs; False: it doesn't."""
        with self.settings_lock:
            self.settings.update(settings)
            self.arena.set_all(self.settings)
        postmaster = self.postmaster()
        return postmaster is not None and self.signal(postmaster, signal.SIGHUP)

    # Whom it meets

    def children(self, word):
        """Backends of the postmaster whose title has this word."""
        postmaster = self.postmaster()
        return sorted(pid for pid, (_, parent) in processes().items()
                      if parent == postmaster and word in arguments_of(pid))

    def postmaster(self):
        try:
            return self.arena.postmaster()
        except (OSError, ValueError):
            return None

    def find(self, whom):
        if self.postmaster() is None:
            return []
        if whom == 'gateway':
            return self.arena.gateways()
        return self.children('bugevents dispatcher' if whom == 'dispatcher' else f'{self.arena.user.name} torture')

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
            return True
        except ProcessLookupError:
            return False

    # Doing

    def stop_for_a_while(self, pid, longest):
        """A timer of its own lets it go on: we may come to wait for what it holds."""
        if not self.signal(pid, signal.SIGSTOP):
            return False
        timer = threading.Timer(self.rng.uniform(0.05, longest), self.signal, (pid, signal.SIGCONT))
        timer.start()
        self.stopped = [entry for entry in self.stopped if entry[0].is_alive()] + [(timer, pid)]
        return True

    def all_go_on(self):
        for timer, pid in self.stopped:
            if timer.is_alive():
                timer.cancel()
                self.signal(pid, signal.SIGCONT)
        self.stopped = []

    def restart(self, mode):
        self.renew_settings()
        self.all_go_on()
        if not self.arena.pg_ctl('stop', '-m', mode) and self.postmaster() is not None:
            raise SystemExit(f'torture: the server does not stop ({mode})\n{self.arena.tail_of_log()}')
        self.arena.start_server()

    def kill_postmaster(self):
        postmaster = self.postmaster()
        if postmaster is None or not self.signal(postmaster, signal.SIGKILL):
            return False
        self.renew_settings()
        if self.rng.random() < 0.5:
            self.all_go_on()            # else those that are stopped stay a while after it
        self.arena.start_server()
        return True

    def lock_journal(self):
        segment = self.rng.randint(0, 2)
        try:
            self.arena.psql('torture', "SET lock_timeout = '2s'; BEGIN;"
                            f'LOCK TABLE bugevents.journal_{segment} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.3); COMMIT')
            return True
        except SystemExit:
            return False                # the server is down, or the lock isn't free

    def annoy(self):
        """One act at a time; the one before may still be going on."""
        if self.annoyance and self.annoyance.goes_on():
            return False
        self.annoyance = Annoyance(self, self.rng)
        self.annoyances[self.annoyance.act.__name__] += 1
        return True

    def perform(self, fault):
        """True: it was done."""
        verb, _, whom = fault.partition(' ')
        if fault.startswith('restart'):
            self.restart(whom)
        elif fault == 'kill postmaster':
            return self.kill_postmaster()
        elif fault == 'lock the journal':
            return self.lock_journal()
        elif fault == 'annoy':
            return self.annoy()
        elif fault == 'checkpoint':
            try:
                self.arena.psql('torture', 'CHECKPOINT')
            except SystemExit:
                return False
        elif fault == 'reload with other gateways':
            return self.change_settings({'bugevents.gateways': self.rng.choice((1, 2, 3)),
                                         'bugevents.window_size': self.rng.choice(('1MB', '4MB'))})
        else:
            found = self.find(whom)
            if not found:
                return False
            pid = self.rng.choice(found)
            if verb == 'stop':
                # Expressions have two seconds; one that hasn't is a null, as it should be.
                return self.stop_for_a_while(pid, 1 if whom == 'backend' else 3)
            return self.signal(pid, signal.SIGKILL if verb == 'kill' else signal.SIGTERM)
        return True

    def turn(self, now):
        """What is due now."""
        if now < self.next_at:
            return
        kinds = {name: weight for name, weight in FAULTS.items()
                 if self.options['faults'] is None or name in self.options['faults']}
        fault = self.rng.choices(list(kinds), list(kinds.values()))[0]
        if fault in CRASHES:
            if now < self.crash_at:
                return
            self.crash_at = now + self.rng.uniform(*self.options['crash_pause'])
        if self.perform(fault):
            self.counts[fault] += 1
        self.next_at = time.monotonic() + self.rng.expovariate(1 / self.options['fault_pause'])

    def rest(self):
        """No faults any more; the server is up."""
        self.all_go_on()
        if self.annoyance and not self.annoyance.end():
            raise SystemExit(f'torture: {self.annoyance.act.__name__} does not end\n{self.arena.tail_of_log()}')
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.arena.psql('torture', 'SELECT 1')
                return
            except SystemExit:
                if self.postmaster() is None:
                    self.arena.start_server()
                time.sleep(0.2)
        raise SystemExit(f'torture: the server does not come back\n{self.arena.tail_of_log()}')
