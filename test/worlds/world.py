"""world: people, tables of users and memberships, tokens and audiences, drawn at random."""
import random

PEOPLE = ('1', '2', '3', '4', '5')      # the last is often in no table
PROJECTS = ('1', '2', '3')
GROUPS = ('a b', 'c')
ROLES = ('admin', 'admin', 'user', 'guest')
BUGS, COMMENTS = 6, 5


class World:
    def __init__(self, seed):
        self.seed = seed
        self.dice = random.Random(seed)
        self.secret_title = self.dice.random() < 0.4
        self.users = {f'users_{n}': self.draw_users() for n in range(self.dice.choice((0, 1, 1, 2, 2, 2)))}
        self.require_user = bool(self.users) and self.dice.random() < 0.5
        self.members = {f'{kind}_{n}': self.draw_members(kind) for n, kind in enumerate(self.dice.choices(('project', 'group'), k=self.dice.choice((0, 1, 1, 2))))}
        self.bugs = {n: self.draw_audience() for n in range(1, BUGS + 1)}
        self.hidden = {n for n in self.bugs if self.dice.random() < 0.15}
        self.comments = {n: (self.dice.randint(1, BUGS), self.draw_audience()) for n in range(1, COMMENTS + 1)}
        self.tokens = [(self.dice.choice(PEOPLE), self.dice.choice(('admin', 'admin', 'user')), self.draw_projects())
                       for _ in range(self.dice.randint(3, 6))]

    def draw_projects(self):
        return [p for p in PROJECTS if self.dice.random() < 0.3]

    def draw_users(self):
        return {who: self.draw_user() for who in PEOPLE if self.dice.random() < 0.8}

    def draw_user(self):
        """Role, whether it is active, whether the filter lets it through."""
        return (self.dice.choice(ROLES), self.dice.random() < 0.85, self.dice.random() < 0.9)

    def draw_members(self, kind):
        return {(who, f'{kind}:{name}') for who in PEOPLE for name in (PROJECTS if kind == 'project' else GROUPS) if self.dice.random() < 0.3}

    def draw_audience(self):
        everybody = ['all', 'admin', 'admin'] + [f'user:{who}' for who in PEOPLE] + [f'project:{p}' for p in PROJECTS] * 2 + [f'group:{g}' for g in GROUPS]
        return sorted(set(self.dice.choices(everybody, k=self.dice.choice((1, 1, 2, 3)))))

    # As SQL

    @staticmethod
    def literal(audience):
        return "'{%s}'" % ','.join(f'"{one}"' for one in audience)

    def found(self):
        yield 'DROP SCHEMA IF EXISTS world CASCADE; CREATE SCHEMA world; SET search_path = world, public;'
        for name, rows in self.users.items():
            yield (f'CREATE TABLE {name} (id int PRIMARY KEY, name text, email text, role text, status text, kept boolean);'
                   + ''.join(self.insert_user(name, who, user) for who, user in rows.items())
                   + f"SELECT bugevents.attach('{name}', 'user', filter => 'row.kept', columns => '"
                     '{"username": "name", "created_at": "null::timestamptz", "updated_at": "null::timestamptz"}\');')
        for name, rows in self.members.items():
            kind = name.split('_')[0]
            columns = '{}' if kind == 'project' else '{"principal": "bugevents.principal(\'\'group\'\', row.group_id)"}'
            yield (f'CREATE TABLE {name} (user_id int, {kind}_id text, PRIMARY KEY (user_id, {kind}_id));'
                   + ''.join(self.insert_member(name, *row) for row in sorted(rows))
                   + f"SELECT bugevents.attach('{name}', 'membership', '{columns}');")
        admin = '{"title": {"column": "title", "admin": true}}' if self.secret_title else '{}'
        yield ('CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int,'
               ' project_id int, created_at timestamptz, updated_at timestamptz, audience text[], hidden boolean);'
               f"SELECT bugevents.attach('bugs', 'bug_report', '{admin}', filter => 'NOT row.hidden', audience => 'row.audience');"
               'CREATE TABLE remarks (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz,'
               ' updated_at timestamptz, audience text[]);'
               "SELECT bugevents.attach('remarks', 'comment', audience => 'row.audience');")

    @staticmethod
    def insert_user(name, who, user):
        role, active, kept = user
        return (f"INSERT INTO {name} VALUES ({who}, 'n{who}', '{who}@example.org', '{role}',"
                f" '{'active' if active else 'inactive'}', {kept});")

    @staticmethod
    def insert_member(name, who, principal):
        return f"INSERT INTO {name} VALUES ({who}, '{principal.split(':')[1]}');"

    def fill(self):
        for n, audience in self.bugs.items():
            yield (f"INSERT INTO bugs (id, title, status, audience, hidden) VALUES ({n}, 'title {n}', 'open',"
                   f" {self.literal(audience)}, {n in self.hidden})")

    def remark(self):
        for n, (bug, audience) in self.comments.items():
            yield f"INSERT INTO remarks (id, bug_report_id, content, audience) VALUES ({n}, {bug}, 'c', {self.literal(audience)})"

    # What changes

    def shift(self):
        """Rights change: the statements that do it, each a transaction."""
        for name, rows in self.users.items():
            for who in list(rows):
                if self.dice.random() < 0.4:
                    role, active, kept = self.draw_user()
                    # Who was in a table and is not any more stays refused while connected, whatever require_user.
                    rows[who] = (role, active, kept if self.require_user else rows[who][2])
                    role, active, kept = rows[who]
                    yield (f"UPDATE {name} SET role = '{role}', status = '{'active' if active else 'inactive'}', kept = {kept}"
                           f' WHERE id = {who}')
        for name, rows in self.members.items():
            kind = name.split('_')[0]
            after = {pair for pair in self.draw_members(kind) if self.dice.random() < 0.7} | {p for p in rows if self.dice.random() < 0.5}
            for who, principal in sorted(rows - after):
                yield f"DELETE FROM {name} WHERE (user_id, {kind}_id) = ({who}, '{principal.split(':')[1]}')"
            for row in sorted(after - rows):
                yield self.insert_member(name, *row)
            self.members[name] = after

    # As the rule's tables have it

    def user_rows(self):
        return [(who, active, role) for rows in self.users.values() for who, (role, active, kept) in sorted(rows.items()) if kept]

    def member_rows(self):
        return sorted(pair for rows in self.members.values() for pair in rows)

    def has_address(self, who):
        """The first table that has the user says the address, and whether it is active."""
        for name in sorted(self.users):
            if who in self.users[name] and self.users[name][who][2]:
                return self.users[name][who][1]
        return False
