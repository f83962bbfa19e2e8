"""ground: the cluster that all worlds are founded on, one schema each."""
import time
import urllib.error
import urllib.request

import psycopg2

from arena import SECRET, Arena


class Ground(Arena):
    tables = 'CREATE EXTENSION bugevents;'

    def __init__(self, checkout, pg_config=None, wrong=None):
        super().__init__(checkout, pg_config, wrong)
        self.secret = SECRET
        self.position = 0           # seq of the last event that was read

    def connect(self):
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection

    def lacks(self):
        """The features of worlds that this build doesn't have."""
        functions = self.psql('torture', 'SELECT proname, proargnames FROM pg_proc'
                                         " WHERE pronamespace = 'bugevents'::regnamespace")
        lacking = set() if 'follow|' in functions else {'follow'}
        return lacking if ',quiet}' in functions else lacking | {'quiet', 'extras', 'kinds'}

    def wait_until_served(self, patience=30):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                return urllib.request.urlopen(f'http://127.0.0.1:{self.port}/ready', timeout=5).close()
            except urllib.error.URLError:
                time.sleep(0.05)
        raise SystemExit(f'property: nothing is served\n{self.tail_of_log()}')
