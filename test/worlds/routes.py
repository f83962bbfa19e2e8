"""routes: what each way shows of a world, beside what the rule says."""
import json
import time
import urllib.error
import urllib.request

from client import PATIENCE, Client, Late
from websocket import make_token
from world import PEOPLE

ROUTES = ('live', 'resume', 'http', 'conflate', 'get', 'list', 'state', 'watch', 'notification', 'mail', 'explain', 'metrics')


class Routes:
    def __init__(self, ground, rule, world):
        self.ground, self.rule, self.world = ground, rule, world
        self.cursor = ground.cursor
        self.complaints = []
        self.checked = dict.fromkeys(ROUTES, 0)

    # Doing

    def run(self, statements):
        for statement in statements:
            self.cursor.execute(statement)

    def value(self, sql, *values):
        self.cursor.execute(sql, values)
        return self.cursor.fetchone()[0]

    def until(self, condition, what, describe=lambda: ''):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Late(f'{what} {describe()}')
            time.sleep(0.01)

    def fence(self):
        self.ground.fences += 1
        mark = f'f{self.ground.fences}'
        self.cursor.execute("SELECT bugevents.send('fence', 'passed', jsonb_build_object('mark', %s::text))", (mark,))
        return mark

    def caught_up(self):
        self.until(lambda: self.value("SELECT value FROM bugevents.stats WHERE name = 'bugevents_projector_lag_seq'") == 0,
                   'the projector to catch up')

    # Comparing

    def compare(self, route, what, got, wanted):
        self.checked[route] += 1
        if got != wanted:
            self.complaints.append(f'{route}: {what}: it says {got}, the rule {wanted}')

    def judge(self):
        """Of each token, and of each person without one, what the rule says of bugs, comments and people."""
        world = self.world
        self.rule.take(world.user_rows(), world.member_rows(), world.users)
        self.askers = list(world.tokens) + [(who, None, ()) for who in PEOPLE]
        things = [world.bugs[n] for n in sorted(world.bugs)] + [world.comments[n][1] for n in sorted(world.comments)]
        sees, people = self.rule.judge(self.askers, things, world.require_user)
        bugs = {n: at for at, n in enumerate(sorted(world.bugs))}
        comments = {n: len(bugs) + at for at, n in enumerate(sorted(world.comments))}
        self.sees_bug = lambda asker, n: n not in world.hidden and sees[asker, bugs[n]]
        self.sees_comment = lambda asker, n: sees[asker, comments[n]]
        self.let_in = lambda asker: people[asker][0]
        self.admin = lambda asker: people[asker][1]
        self.unconnected = {who: len(world.tokens) + at for at, who in enumerate(PEOPLE)}

    # The story

    def live(self):
        self.run(self.world.found())
        self.run(["TRUNCATE bugevents.notifications, bugevents.deliveries, bugevents.bugs, bugevents.people, bugevents.watchers, bugevents.delivery_options",
                  "INSERT INTO bugevents.delivery_options (user_id, digest) SELECT n::text, '1 hour' FROM generate_series(1, 5) AS n"])
        self.judge()
        clients = [self.connect(n) for n in range(len(self.world.tokens))]
        self.run(self.world.fill())
        self.read(clients)
        self.state(clients, [n for n in range(len(clients)) if self.let_in(n)])
        self.notify()
        shifted = list(self.world.shift())
        self.run(shifted)
        allowed = [n for n in range(len(clients)) if self.let_in(n)]
        self.judge()
        for n in allowed:
            self.compare('live', f'{self.askers[n]} is let stay', clients[n].passed(self.fence()) is not None, self.let_in(n))
        marks = [len(client.messages) for client in clients]
        self.run(["UPDATE bugs SET description = 'again'"])
        mark = self.fence()
        for n, client in enumerate(clients):
            if n in allowed and self.let_in(n):
                client.passed(mark)
                self.see(n, 'live', client.messages[marks[n]:], 'updated')
        self.ask(clients, allowed)
        self.state(clients, allowed)
        self.resume(clients)
        self.send()
        self.explain()
        self.scrape()
        for client in clients:
            client.close()

    def connect(self, n):
        client = Client(self.ground, *self.askers[n])
        client.since = client.ready()
        self.compare('live', f'{self.askers[n]} is let in', client.since is not None, self.let_in(n))
        return client

    def read(self, clients):
        mark = self.fence()
        for n, client in enumerate(clients):
            if self.let_in(n) and not client.gone:
                client.passed(mark)
                self.see(n, 'live', client.messages, 'created')

    def see(self, n, route, messages, *actions):
        """Which bugs were told of, and whether with what is for admins."""
        told = [m for m in messages if m['type'] == 'bug_report' and m['action'] in actions]
        self.compare(route, f'{self.askers[n]} is told of bugs', sorted({m['payload']['id'] for m in told}),
                     [bug for bug in sorted(self.world.bugs) if self.sees_bug(n, bug)])
        if self.world.secret_title and told:
            self.compare(route, f'{self.askers[n]} is told titles', {'title' in m['payload'] for m in told}, {self.admin(n)})

    def ask(self, clients, allowed):
        for n, client in enumerate(clients):
            if n not in allowed or not self.let_in(n):
                continue
            for bug in sorted(self.world.bugs):
                row = client.ask('get', type='bug_report', id=bug)
                self.compare('get', f'{self.askers[n]}, bug {bug}', row['type'] == 'reply', self.sees_bug(n, bug))
                if row['type'] == 'reply' and self.world.secret_title:
                    self.compare('get', f'{self.askers[n]}, the title of {bug}', 'title' in row['payload'], self.admin(n))
                self.compare('watch', f'{self.askers[n]}, bug {bug}', client.ask('watch', bug_report_id=bug)['type'] == 'reply',
                             self.sees_bug(n, bug))
            self.list(n, client)

    def list(self, n, client):
        rows, after = [], None
        for _ in range(2 * len(self.world.bugs) + 2):
            page = client.ask('list', type='bug_report', limit=2, after=after)['payload']
            rows += page['items']
            after = page['next']
            if after is None:
                break
        self.compare('list', f'{self.askers[n]}', [row['id'] for row in rows], [bug for bug in sorted(self.world.bugs) if self.sees_bug(n, bug)])
        if self.world.secret_title and rows:
            self.compare('list', f'{self.askers[n]}, titles', {'title' in row for row in rows}, {self.admin(n)})

    def state(self, clients, allowed):
        """The rows that come with a subscription, from what a gateway keeps for all of its clients."""
        for n in allowed:
            if not self.let_in(n):
                continue
            rows = clients[n].state('bug_report')
            self.compare('state', f'{self.askers[n]}', sorted(row['id'] for row in rows), [bug for bug in sorted(self.world.bugs) if self.sees_bug(n, bug)])
            if self.world.secret_title and rows:
                self.compare('state', f'{self.askers[n]}, titles', {'title' in row for row in rows}, {self.admin(n)})

    def resume(self, clients):
        allowed = [n for n, client in enumerate(clients) if client.since is not None and self.let_in(n)]
        for n in allowed:
            again = Client(self.ground, *self.askers[n], since=clients[n].since)
            self.compare('resume', f'{self.askers[n]} is let in', again.ready() is not None, True)
            again.passed(self.fence())
            self.see(n, 'resume', again.messages, 'created', 'updated')
            again.close()
        self.http(clients)
        self.conflate(allowed)

    def http(self, clients):
        """The same over HTTP, in as many answers as it takes."""
        mark = self.fence()
        for n, client in enumerate(clients):
            if client.since is None:
                continue
            position, messages, status = client.since, [], 200
            while status == 200 and not any(m['type'] == 'fence' and m['payload']['mark'] == mark for m in messages):
                status, answer = self.get(n, 'since=%s&stream=%s&wait=9' % position)
                if status == 200:
                    messages += answer['events']
                    position = answer['seq'], answer['stream']
            self.compare('http', f'{self.askers[n]} is let in', status == 200, self.let_in(n))
            if status == 200:
                self.see(n, 'http', messages, 'created', 'updated')

    def get(self, n, query):
        who, role, projects = self.askers[n]
        request = urllib.request.Request(f'http://127.0.0.1:{self.ground.port}/events?{query}', headers={
            'Authorization': 'Bearer ' + make_token(self.ground.secret, who, role, projects)})
        try:
            return 200, json.load(urllib.request.urlopen(request, timeout=PATIENCE))
        except urllib.error.HTTPError as error:
            return error.code, None

    def conflate(self, allowed):
        """Of several states of a row at once, what comes, comes to who sees it."""
        conflated = [(n, Client(self.ground, *self.askers[n])) for n in allowed]
        for n, client in conflated:
            self.compare('conflate', f'{self.askers[n]} is let in', client.ready() is not None, True)
            if not client.gone:
                client.ask('subscribe', conflate=True)
        self.run(f"UPDATE bugs SET description = 'conflated {n}'" for n in range(3))
        mark = self.fence()
        for n, client in conflated:
            client.passed(mark)
            self.see(n, 'conflate', client.messages, 'updated')
            client.close()

    # Who isn't connected

    def notify(self):
        """Everybody watches every bug; the rights are those of now."""
        world = self.world
        self.run(f"SELECT bugevents.watch('{bug}', '{who}')" for bug in sorted(world.bugs) for who in PEOPLE)
        self.run(["UPDATE bugs SET status = 'closed'"])
        self.run(world.remark())
        self.caught_up()
        self.cursor.execute('SELECT user_id, type, bug_report_id::int, comment_id::int, title FROM bugevents.notifications'
                            " WHERE type IN ('status_changed', 'comment_added')")
        found = self.cursor.fetchall()
        told = {(who, bug, comment) for who, _, bug, comment, _ in found}
        for who in PEOPLE:
            at = self.unconnected[who]
            for bug in sorted(world.bugs):
                self.compare('notification', f'{who}, the status of bug {bug}', (who, bug, None) in told, self.sees_bug(at, bug))
            for comment, (bug, _) in sorted(world.comments.items()):
                self.compare('notification', f'{who}, comment {comment} on bug {bug}', (who, bug, comment) in told,
                             self.sees_bug(at, bug) and self.sees_comment(at, comment))
        self.compare('notification', 'a title for admins', any(row[4] for row in found) and world.secret_title, False)

    def send(self):
        """Mails wait in a digest; by now the rights are others."""
        self.caught_up()
        self.run(["UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'"])
        self.until(lambda: self.value("SELECT count(*) FROM bugevents.deliveries WHERE state IN ('waiting', 'sending')") == 0, 'mails',
                   lambda: self.value("SELECT string_agg(DISTINCT concat_ws(' ', state, attempts, last_code, last_error, next_attempt_at - now()), '; ') FROM bugevents.deliveries"))
        self.cursor.execute('SELECT d.user_id, n.bug_report_id::int, n.comment_id::int, d.state FROM bugevents.deliveries AS d'
                            " JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE n.type IN ('status_changed', 'comment_added')")
        for who, bug, comment, state in self.cursor.fetchall():
            at = self.unconnected[who]
            sees = self.sees_bug(at, bug) and (comment is None or self.sees_comment(at, comment))
            self.compare('mail', f'{who}, of bug {bug}, comment {comment}', state, 'sent' if sees and self.world.has_address(who) else 'skipped')

    def explain(self):
        self.cursor.execute("SELECT DISTINCT ON (payload ->> 'id') seq, (payload ->> 'id')::int FROM bugevents.events(%s)"
                            " WHERE type = 'bug_report' AND action = 'created' ORDER BY payload ->> 'id', seq DESC", (self.ground.position,))
        created = dict((bug, seq) for seq, bug in self.cursor.fetchall() if bug in self.world.bugs)
        askers = [(who, role, projects) for who in PEOPLE for role, projects in (('admin', ('1', '2', '3')), ('user', ()))]
        sees, people = self.rule.judge(askers, [self.world.bugs[bug] for bug in sorted(created)], self.world.require_user)
        for at, bug in enumerate(sorted(created)):
            for n, who in enumerate(PEOPLE):
                best, worst = sees[2 * n, at], sees[2 * n + 1, at]
                verdict = self.value("SELECT verdict FROM bugevents.explain_delivery(%s, %s) WHERE finding = 'right'", created[bug], who)
                self.compare('explain', f'{who}, bug {bug}', verdict, 'fine' if worst else 'unknown' if best else 'reason')

    def scrape(self):
        for n, (who, role, projects) in enumerate(self.world.tokens):
            request = urllib.request.Request(f'http://127.0.0.1:{self.ground.port}/metrics', headers={
                'X-Forwarded-For': '192.0.2.1', 'Authorization': 'Bearer ' + make_token(self.ground.secret, who, role, projects)})
            try:
                status = urllib.request.urlopen(request, timeout=PATIENCE).status
            except urllib.error.HTTPError as error:
                status = error.code
            self.compare('metrics', f'{(who, role)}', status == 200, self.let_in(n) and self.admin(n))
