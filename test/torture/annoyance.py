"""annoyance: the acts of test/nuisance, one at a time, while everything is killed.

What an act publishes it signs in the ledger as a transaction of which nobody says what it publishes:
that there is nothing of those that did not commit, who may see it, that it comes whole, once and in
order is checked all the same.  What an act needs of a server it waits for, as that may just be down.
"""
import os
import random
import sys
import threading
import time

import psycopg2

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.append(os.path.join(HERE, '..', 'nuisance'))

from acts import ACTS, Stage            # noqa: E402
from arena import SECRET                # noqa: E402
from websocket import Broken            # noqa: E402

# They write rows that the writers count on, or look for the bystander.
NOT_HERE = ('lock_projector', 'truncate', 'bad_filter', 'stopped_gateway', 'mail_outage')
CHOSEN = [act for act in ACTS if act.__name__ not in NOT_HERE]
PATIENCE = 20           # s for a server that is down


class Annoyed(Stage):
    many = 1000
    wide = 50_000

    def __init__(self, nemesis):
        super().__init__(nemesis.arena, SECRET)
        self.nemesis = nemesis

    def session(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                connection = psycopg2.connect(self.arena.dsn + " options='-c lock_timeout=2s'")
                connection.autocommit = True
                return connection
            except psycopg2.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def hold(self, *statements):
        connection = self.session()
        connection.autocommit = False
        for statement in statements:
            connection.cursor().execute(statement)
        return connection

    def publish(self, *statements):
        for statement in statements:
            self.sql(f"BEGIN; {statement}; INSERT INTO ledger SELECT 'annoyance ' || pg_current_xact_id(),"
                     " pg_current_xact_id()::text::bigint, pg_current_snapshot()::text, -1, '', NULL; COMMIT")

    def set(self, **settings):
        self.nemesis.change_settings({name.replace('__', '.'): value for name, value in settings.items()})


class Annoyance:
    """One act, in a thread."""

    def __init__(self, nemesis, rng):
        self.stage = Annoyed(nemesis)
        self.act = rng.choice(CHOSEN)
        self.seconds = rng.uniform(0.5, 3)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            doing = self.act(self.stage)
            next(doing)
            self.stage.over.wait(self.seconds)
            self.stage.over.set()
            for _ in doing:
                pass
        except (psycopg2.Error, OSError, Broken, SystemExit):
            pass                        # the server is killed, or somebody else has the lock
        finally:
            self.stage.over.set()

    def goes_on(self):
        return self.thread.is_alive()

    def end(self, patience=90):
        self.stage.over.set()
        self.thread.join(patience)
        return not self.goes_on()
