"""arena: the build under test and the cluster that is tortured.

Everything stands in a folder of its own.  The build is the checkout's, with a
wrong patch if one is given, or what a pg_config names, which is installed already.
"""
import os
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'bench'))

from cluster import Cluster, free_port          # noqa: E402

SECRET = b'a secret of the tests, thirty-two bytes at least'
# Without the sandbox, which the search for leaks would need to trace itself in.
SANITIZERS = '-fsanitize=address,undefined -fno-sanitize-recover=undefined -O1 -DBEV_WITHOUT_SANDBOX'

TABLES = '''
CREATE EXTENSION bugevents;
SELECT bugevents.create_tracker();
CREATE TABLE ledger (name text PRIMARY KEY, xid bigint NOT NULL, seen text NOT NULL,
    n integer NOT NULL, digest text NOT NULL, list text);
CREATE TABLE scribe (seq bigint NOT NULL);
INSERT INTO scribe VALUES (0);
INSERT INTO ledger SELECT 'begin', pg_current_xact_id()::text::bigint, pg_current_snapshot()::text, 0, '', NULL;

-- Rows move between partitions, of which one has its columns in another order, and others are two levels down.
CREATE TABLE boards (id bigint, state text, name text, description text, created_at timestamptz, updated_at timestamptz,
    PRIMARY KEY (id, state)) PARTITION BY LIST (state);
CREATE TABLE boards_open (name text, gone int, description text, state text NOT NULL, id bigint NOT NULL, updated_at timestamptz, created_at timestamptz);
ALTER TABLE boards_open DROP COLUMN gone;
ALTER TABLE boards ATTACH PARTITION boards_open FOR VALUES IN ('open');
CREATE TABLE boards_closed PARTITION OF boards FOR VALUES IN ('closed') PARTITION BY HASH (id);
CREATE TABLE boards_closed_0 PARTITION OF boards_closed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE boards_closed_1 PARTITION OF boards_closed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT bugevents.attach('boards', 'project');

-- Triggers write other rows, before and after the row itself, and before and after bugevents' own; a cascade deletes.
CREATE TABLE replies (id bigint PRIMARY KEY, parent bigint REFERENCES replies ON DELETE CASCADE, content text, how text, sibling bigint);
CREATE FUNCTION echo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE replies SET content = NEW.content || '!', how = NULL WHERE id = NEW.sibling AND id <> NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER before BEFORE UPDATE ON replies FOR EACH ROW WHEN (NEW.how = 'before') EXECUTE FUNCTION echo();
CREATE TRIGGER "00_a" AFTER UPDATE ON replies FOR EACH ROW WHEN (NEW.how = 'early') EXECUTE FUNCTION echo();
CREATE TRIGGER late AFTER UPDATE ON replies FOR EACH ROW WHEN (NEW.how = 'late') EXECUTE FUNCTION echo();
SELECT bugevents.attach('replies', 'comment', '{"bug_report_id": "NULL::bigint", "user_id": "NULL::bigint", "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}');

-- What a row is, and who may see it, is written elsewhere, behind it.
CREATE TABLE labelled (id bigint PRIMARY KEY);
CREATE TABLE labels (id bigint PRIMARY KEY REFERENCES labelled ON DELETE CASCADE, content text);
CREATE TABLE confined (id bigint REFERENCES labelled ON DELETE CASCADE, who text);
CREATE INDEX ON confined (id);
SELECT bugevents.attach('labelled', 'comment', '{"content": "(SELECT l.content FROM labels AS l WHERE l.id = row.id)", "bug_report_id": "NULL::bigint",
    "user_id": "NULL::bigint", "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}',
    audience => '(SELECT coalesce(array_agg(c.who), ''{all}'') FROM confined AS c WHERE c.id = row.id)');
SELECT bugevents.follow('labels', 'labelled', 'SELECT row.id'), bugevents.follow('confined', 'labelled', 'SELECT row.id');

-- For test/nuisance's acts; what they do here is in no view.
CREATE TABLE remarks (id bigserial PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('remarks', 'comment');

CREATE VIEW all_projects AS SELECT id, name, description FROM projects UNION ALL SELECT id, name, description FROM boards;
CREATE VIEW all_comments AS SELECT id, content FROM comments UNION ALL SELECT id, content FROM replies
    UNION ALL SELECT id, content FROM labelled LEFT JOIN labels USING (id);
'''


class Arena(Cluster):
    tables = TABLES         # and whatever else is there before anything happens

    def __init__(self, checkout, pg_config=None, wrong=None, sanitize=False):
        super().__init__(checkout, 0, 'bugevents-torture.')
        self.pg_config = pg_config
        self.wrong = wrong
        self.sanitize = sanitize
        self.settings_file = f'{self.data}/torture.conf'
        self.dsn = self.conninfo('torture')

    # The build

    def build(self):
        if self.pg_config is None:
            self.build_tree()
        self.own(self.work)
        self.bin = os.path.dirname(self.pg_config)

    def build_tree(self):
        self.copy_tree()
        if self.wrong:
            self.user.run(['patch', '-p1', '--fuzz=0', '-d', self.tree, '-i', self.readable(self.wrong)],
                          log=self.log('patch'))
        self.pg_config = self.user.run([f'{self.tree}/script/private-postgresql', f'{self.work}/pg']).strip()
        flags = [f'PROGRAM_EXTRA_CFLAGS={SANITIZERS}'] if self.sanitize else []
        self.user.run(['make', '-C', self.tree, f'-j{os.cpu_count()}', f'PG_CONFIG={self.pg_config}',
                       *flags, 'all', 'install'], log=self.log('build'))

    def readable(self, path):
        """A copy that the unprivileged user can read."""
        copy = f'{self.work}/{os.path.basename(path)}'
        with open(path) as source, open(copy, 'w') as target:
            target.write(source.read())
        return copy

    # The server

    def start_cluster(self, settings):
        self.user.run([f'{self.bin}/initdb', '-D', self.data, '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C',
                       '-U', self.user.name], log=self.log('initdb'))
        with open(f'{self.data}/jwt_secret', 'wb') as file:
            file.write(SECRET + b'\n')
        os.chmod(f'{self.data}/jwt_secret', 0o600)
        fixed = {
            'listen_addresses': "''", 'unix_socket_directories': f"'{self.work}/tmp'", 'port': 5432,
            'fsync': 'off', 'max_connections': 60, 'max_prepared_transactions': 60, 'shared_buffers': "'64MB'",
            'deadlock_timeout': "'100ms'", 'log_line_prefix': "'%m [%p] %b '", 'log_min_messages': 'log',
            'log_min_error_statement': 'panic', 'log_checkpoints': 'off', 'shared_preload_libraries': "'bugevents'",
            'bugevents.database': "'torture'", 'bugevents.projector': 'off', 'bugevents.statistics': 'off', 'bugevents.alert_window': '0', 'bugevents.listen_addresses': "'127.0.0.1'",
            'bugevents.port': self.port, 'bugevents.jwt_secret_file': "'jwt_secret'",
            'bugevents.max_connections_per_user': 1000, 'bugevents.message_rate': 0, 'bugevents.require_user': 'off',
            'bugevents.ping_interval': "'3s'", 'bugevents.connection_timeout': "'15s'",
            'include': "'torture.conf'",
        }
        with open(f'{self.data}/postgresql.conf', 'a') as file:
            file.writelines(f'{name} = {value}\n' for name, value in fixed.items())
        self.set_all(settings)
        self.own(self.data)
        self.start_server()
        self.psql('postgres', 'CREATE DATABASE torture')
        self.psql('torture', self.tables)
        self.running = True

    def set_all(self, settings):
        """Whoever reads the file finds all of it."""
        with open(f'{self.settings_file}.new', 'w') as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.own(f'{self.settings_file}.new')
        os.replace(f'{self.settings_file}.new', self.settings_file)

    def pg_ctl(self, *action):
        """True: it went well."""
        return subprocess.run(
            self.user.drop + [f'{self.bin}/pg_ctl', '-D', self.data, '-w', '-t', '60', '-l', self.log('server'),
                              *action], env=self.user.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def start_server(self, patience=60):
        """After a crash the remains of the old server may have to end first."""
        end = time.monotonic() + patience
        while not self.pg_ctl('start'):
            if time.monotonic() > end:
                raise SystemExit(f'torture: the server does not start\n{self.tail_of_log()}')
            time.sleep(0.1)

    def tail_of_log(self, lines=30):
        with open(self.log('server'), errors='replace') as file:
            return ''.join(file.readlines()[-lines:])

    def stop(self, mode='immediate'):
        if self.running:
            self.running = False
            self.pg_ctl('stop', '-m', mode)


def arguments_of(pid):
    try:
        with open(f'/proc/{pid}/cmdline') as file:
            return file.read().replace('\0', ' ').strip()
    except OSError:
        return ''


__all__ = ['Arena', 'SECRET', 'arguments_of', 'free_port']
