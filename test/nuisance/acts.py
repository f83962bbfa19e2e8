"""acts: what others do, each of which must cost the bystander nothing.

An act is a generator: what stands before its yield is done, then it lasts for as long as the run
says, and what stands behind is what takes it back.  Its doc string is its line in the table.  Those
in LONG last long enough for a wait to show.  Those in VOLUME publish so much at once that what
comes later in the stream comes so many seconds later: the order is a promise, too.
"""
import os
import random
import signal
import socket
import threading
import time
import urllib.request

import psycopg2

from bystander import Client

ACTS = []
LONG = set()
VOLUME = {}             # s

SLOW = '0.3'            # s that an owner's slow expression takes


def act(function):
    ACTS.append(function)
    return function


def long_act(function):
    LONG.add(function)
    return act(function)


def large_act(seconds):
    def add(function):
        VOLUME[function] = seconds
        return act(function)
    return add


class Stage:
    """What acts have to do with."""
    many = 50_000           # rows of a large transaction
    wide = 1_000_000        # characters in a wide column

    def __init__(self, arena, secret):
        self.arena = arena
        self.port = arena.port
        self.secret = secret
        self.over = threading.Event()

    def session(self):
        connection = psycopg2.connect(self.arena.dsn)
        connection.autocommit = True
        return connection

    def sql(self, *statements):
        """Whatever comes of it."""
        connection = self.session()
        cursor = connection.cursor()
        for statement in statements:
            try:
                cursor.execute(statement)
            except psycopg2.Error:
                pass
        connection.close()

    def publish(self, *statements):
        """Statements that change attached tables, each a transaction."""
        self.sql(*statements)

    def hold(self, *statements):
        """A transaction that is left open."""
        connection = psycopg2.connect(self.arena.dsn)
        for statement in statements:
            connection.cursor().execute(statement)
        return connection

    def client(self, user, **more):
        return Client(self.port, self.secret, user, **more)

    def again_and_again(self, function, pause=0.05):
        """In a thread, until the act is over."""
        def go_on():
            while not self.over.is_set():
                try:
                    function()
                except (psycopg2.Error, OSError, SystemExit):
                    pass
                self.over.wait(pause)
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        return thread

    def set(self, **settings):
        self.arena.settings.update({name.replace('__', '.'): value for name, value in settings.items()})
        self.arena.set_all(self.arena.settings)
        os.kill(self.arena.postmaster(), signal.SIGHUP)

    def empty_segment(self):
        connection = self.session()
        cursor = connection.cursor()
        for segment in range(3):
            cursor.execute(f'SELECT count(*) FROM bugevents.journal_{segment}')
            if cursor.fetchone()[0] == 0:
                connection.close()
                return f'bugevents.journal_{segment}'
        connection.close()
        return 'bugevents.journal_0'


# The tables' upkeep

@act
def reindex_journal(stage):
    """REINDEX CONCURRENTLY of the journal, again and again, sometimes cancelled"""
    def reindex():
        stage.sql(f"SET statement_timeout = {random.choice((20, 0))}",
                  f'REINDEX TABLE CONCURRENTLY bugevents.journal_{random.randrange(3)}')
    thread = stage.again_and_again(reindex)
    yield
    thread.join()


@act
def copy_journal(stage):
    """a tool that puts indexes and a trigger on the journal, and goes again"""
    names = [f'bugevents.journal_{i}' for i in range(3)]
    stage.sql('CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$',
              *(f'CREATE INDEX ON {name} (at)' for name in names),
              *(f'CREATE TRIGGER watch AFTER INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION public.watch()' for name in names))
    yield
    stage.sql(*(f'DROP TRIGGER watch ON {name}' for name in names), *(f'DROP INDEX {name}_at_idx' for name in names),
              'DROP FUNCTION public.watch()')


@long_act
def lock_segment(stage):
    """a lock on an empty segment of the journal"""
    holder = stage.hold(f'LOCK {stage.empty_segment()}')
    yield
    holder.close()


@long_act
def lock_stream(stage):
    """a lock on the stream's row"""
    holder = stage.hold('LOCK bugevents.stream')
    yield
    holder.close()


@long_act
def reindex_notifications(stage):
    """an index of notifications that is built anew, and a newcomer"""
    holder = stage.hold('REINDEX INDEX bugevents.notifications_unread')
    client = stage.client('2').open()
    yield
    holder.close()
    client.drop()


@long_act
def lock_users(stage):
    """a lock on the table of users, and newcomers"""
    holder = stage.hold('LOCK users')
    clients = [stage.client(str(user)) for user in range(2, 6)]
    for client in clients:
        client.pump(0.01)
    yield
    holder.close()
    for client in clients:
        client.drop()


@long_act
def lock_asked(stage):
    """a lock on a table, and four users who ask for its rows"""
    holder = stage.hold('LOCK bug_reports')
    clients = [stage.client(str(user)).open() for user in range(2, 6)]
    for client in clients:
        for n in range(8):
            client.say({'type': 'get', 'id': n, 'payload': {'type': 'bug_report', 'id': 1}})
    yield
    holder.close()
    for client in clients:
        client.drop()


@long_act
def lock_projector(stage):
    """a lock that the projector waits for"""
    holder = stage.hold('LOCK bugevents.bugs')
    stage.publish("INSERT INTO bug_reports (title, creator_id) VALUES ('for the projector', 1)")
    yield
    holder.close()


@act
def vacuum_catalogs(stage):
    """VACUUM FULL of catalogs, again and again, and newcomers"""
    thread = stage.again_and_again(lambda: stage.sql('VACUUM FULL pg_trigger', 'VACUUM FULL pg_extension', 'VACUUM FULL pg_namespace'))
    client = stage.client('3').open()
    yield
    thread.join()
    client.drop()


@act
def vacuum(stage):
    """VACUUM FULL of what is derived, ANALYZE, CREATE INDEX on an attached table"""
    thread = stage.again_and_again(lambda: stage.sql(
        'VACUUM FULL bugevents.notifications', 'VACUUM FULL bugevents.bugs', 'ANALYZE', 'CREATE INDEX again ON remarks (content)',
        'DROP INDEX again'))
    yield
    thread.join()


@act
def old_snapshot(stage):
    """a snapshot that is kept, and the whole journal read by SQL"""
    holder = stage.hold('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM bugevents.journal')
    thread = stage.again_and_again(lambda: stage.sql('SELECT count(*) FROM bugevents.events(0, 100000)'))
    yield
    thread.join()
    holder.close()


@large_act(0.3)
def truncate(stage):
    """TRUNCATE of an attached table of 5,000 rows"""
    stage.publish("INSERT INTO bug_reports (title) SELECT 'row ' || i FROM generate_series(1, 5000) i", 'TRUNCATE bug_reports CASCADE')
    yield


@large_act(0.3)
def retention(stage):
    """history that is dropped each second, with a large transaction's"""
    stage.set(bugevents__retention_size='2MB')
    thread = stage.again_and_again(lambda: stage.publish(
        f"INSERT INTO remarks (content) SELECT repeat('y', 400) FROM generate_series(1, {stage.many // 25})"), 0.2)
    yield
    thread.join()
    stage.set(bugevents__retention_size='0')


# What is written

@act
def poison(stage):
    """values that jsonb refuses"""
    stage.sql('CREATE TABLE documents (id int PRIMARY KEY, name text, description json, created_at timestamptz, updated_at timestamptz)',
              "SELECT bugevents.attach('documents', 'project')")
    stage.publish("INSERT INTO documents (id, name, description) VALUES (1, 'one', '1e200000'), (2, 'two', '\"\\u0000\"')")
    stage.sql('SELECT count(*) FROM bugevents.events(0, 100000)')
    yield
    stage.sql('DROP TABLE documents')


@large_act(1.0)
def wide_row(stage):
    """a row of 10 MB, written and updated; not for the bystander"""
    columns = ', '.join(f'c{i} text' for i in range(10))
    extra = ', '.join(f"'c{i}'" for i in range(10))
    stage.sql(f'CREATE TABLE wide (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz, {columns})',
              f"SELECT bugevents.attach('wide', 'comment', extra => ARRAY[{extra}])")
    values = ', '.join(f"repeat('w', {stage.wide})" for _ in range(10))
    stage.publish(f"INSERT INTO wide SELECT 1, 1, 1, 'wide', now(), now(), {values}", "UPDATE wide SET content = 'wider'")
    yield
    stage.sql('DROP TABLE wide')


@large_act(2.5)
def many_rows(stage):
    """50,000 rows in one transaction, and as many rolled back"""
    rows = f"INSERT INTO remarks (content) SELECT 'many ' || i FROM generate_series(1, {stage.many}) i"

    def write():
        stage.publish(rows)
        stage.sql('BEGIN', rows, 'ROLLBACK')
    thread = threading.Thread(target=write)
    thread.start()
    yield
    thread.join()


@act
def bad_filter(stage):
    """a row of users whose filter divides by zero, and newcomers"""
    stage.sql("INSERT INTO staff VALUES (900, 'zero', '', 'user', 'active', 0), (901, 'one', '', 'user', 'active', 1)")
    clients = [stage.client(user) for user in ('900', '901', '2')]
    for client in clients:
        client.pump(0.01)
    yield
    for client in clients:
        client.drop()
    stage.sql('DELETE FROM staff')


# The outside

@long_act
def mail_outage(stage):
    """a mail server that takes connections and says nothing, and thirty mails for it"""
    server = socket.create_server(('127.0.0.1', 0))
    stage.set(bugevents__smtp_url=f'smtp://127.0.0.1:{server.getsockname()[1]}', bugevents__smtp_from='bugs@example.org',
              bugevents__smtp_tls='off', bugevents__default_channels='email')
    stage.publish("UPDATE users SET email = id || '@example.org'",
                  "INSERT INTO bug_reports (title, creator_id, assignee_id) SELECT 'mail', 1, 2 FROM generate_series(1, 30)")
    yield
    stage.set(bugevents__smtp_url='', bugevents__smtp_from='', bugevents__smtp_tls='on', bugevents__default_channels='')
    server.close()


@long_act
def restore(stage):
    """a dump of the database, restored as another one, beside the one it was taken from"""
    arena = stage.arena

    def copy():
        stage.sql('DROP DATABASE IF EXISTS staging WITH (FORCE)', 'CREATE DATABASE staging')
        arena.user.run(['sh', '-c', '"$0/pg_dump" -Fc -d "$1" | "$0/pg_restore" -d "$2"', arena.bin, arena.dsn,
                        arena.conninfo('staging')], log=arena.log('restore'))
    thread = stage.again_and_again(copy)
    yield
    thread.join()
    stage.sql('DROP DATABASE IF EXISTS staging WITH (FORCE)')


# Questions

def ask_all(client, message):
    for n in range(8):
        client.say({'id': n, **message})


@long_act
def slow_expression(stage):
    """an owner's slow expression, and a user who asks for it by three connections"""
    stage.sql('CREATE TABLE sloths (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz)',
              f"CREATE FUNCTION yawn(text) RETURNS text STABLE LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep({SLOW}); RETURN $1; END$$",
              "SELECT bugevents.attach('sloths', 'comment', columns => '{\"content\": \"public.yawn(row.content)\"}')",
              "SET session_replication_role = replica", "INSERT INTO sloths (id, content) SELECT i, 'sloth' FROM generate_series(1, 50) i")
    clients = [stage.client('7').open() for _ in range(3)]
    for client in clients:
        ask_all(client, {'type': 'list', 'payload': {'type': 'comment'}})
    yield
    for client in clients:
        client.drop()
    stage.sql('DROP TABLE sloths', 'DROP FUNCTION yawn')


@long_act
def heavy_questions(stage):
    """one user, three connections, lists of a thousand rows without a pause"""
    def ask(client):
        client.say({'type': 'list', 'id': 0, 'payload': {'type': 'project', 'limit': 1000}})
        client.wait(lambda message: message.get('id') == 0, 5)
    clients = [stage.client('8').open() for _ in range(3)]
    threads = [stage.again_and_again(lambda client=client: ask(client), 0) for client in clients]
    yield
    for thread in threads:
        thread.join()
    for client in clients:
        client.drop()


@act
def not_reading(stage):
    """twenty clients that ask for lists and read nothing"""
    clients = [stage.client(str(100 + n), receive_buffer=4096).open() for n in range(20)]
    for client in clients:
        ask_all(client, {'type': 'list', 'payload': {'type': 'project', 'limit': 1000}})
    yield
    for client in clients:
        client.drop()


@act
def scrapes(stage):
    """the metrics, four at a time without a pause"""
    def scrape():
        urllib.request.urlopen(f'http://127.0.0.1:{stage.port}/metrics', timeout=10).read()
    threads = [stage.again_and_again(scrape, 0.01) for _ in range(4)]
    yield
    for thread in threads:
        thread.join()


@act
def dying_responders(stage):
    """who answers questions and looks users up is terminated, again and again"""
    thread = stage.again_and_again(lambda: stage.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('bugevents lookup') OR"
        " (backend_type = 'bugevents responder' AND application_name <> backend_type)"), 0.5)
    yield
    thread.join()


# Clients and gateways

@act
def storm(stage):
    """200 newcomers at once"""
    clients = [stage.client(str(1000 + n)) for n in range(200)]
    for client in clients:
        client.pump(0)
    yield
    for client in clients:
        client.drop()


@act
def coming_and_going(stage):
    """clients that come and vanish, all the time"""
    def come():
        client = stage.client(str(random.randrange(2000, 9000)))
        client.pump(0.02)
        client.drop()
    threads = [stage.again_and_again(come, 0.01) for _ in range(3)]
    yield
    for thread in threads:
        thread.join()


@act
def resuming(stage):
    """clients that want all of history, again and again"""
    def resume():
        client = stage.client('9', query='&since=0').open()
        client.pump(0.2)
        client.drop()
    threads = [stage.again_and_again(resume) for _ in range(3)]
    yield
    for thread in threads:
        thread.join()


@large_act(0.1)
def slow_readers(stage):
    """twenty clients that don't read the stream, which is busy"""
    clients = [stage.client(str(200 + n), receive_buffer=4096).open() for n in range(20)]
    thread = stage.again_and_again(lambda: stage.publish(
        f"INSERT INTO remarks (content) SELECT repeat('z', 200) FROM generate_series(1, {stage.many // 100})"), 0.1)
    yield
    thread.join()
    for client in clients:
        client.drop()


@act
def stopped_gateway(stage):
    """a gateway that is stopped, with clients; not the bystander's"""
    clients = [stage.client(str(300 + n)).open() for n in range(8)]
    others = [pid for pid in stage.arena.gateways() if pid != stage.arena.bystanders_gateway()]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in others:
        os.kill(pid, signal.SIGCONT)
    for client in clients:
        client.drop()


@long_act
def fewer_gateways(stage):
    """gateways raised to 10 and lowered to 2 again, with clients that don't say goodbye"""
    stage.set(bugevents__gateways=10)
    time.sleep(0.7)
    clients = [stage.client(str(400 + n)).open() for n in range(30)]
    stage.set(bugevents__gateways=2)
    yield
    for client in clients:
        client.drop()


@act
def reloads(stage):
    """a reload ten times a second"""
    thread = stage.again_and_again(lambda: stage.set(), 0.1)
    yield
    thread.join()


@act
def unknown_name(stage):
    """listen_addresses with a name that nobody knows, and a reload"""
    stage.set(bugevents__listen_addresses='127.0.0.1, no-such-host.invalid')
    yield
    stage.set(bugevents__listen_addresses='127.0.0.1')
