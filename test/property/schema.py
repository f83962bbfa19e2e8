"""schema: the tables of a world, drawn at random.

A bug tracker as somebody might have built it: projects, people, members, bugs and comments, with
tables that their fields are looked up in (states, labels).  Bugs and comments are plain or
partitioned; comments refer to bugs by a simple or a composite key, or inherit it; what is looked
up, filtered and confined to whom differs from world to world.
"""
from table import Table

TRACKER_COLUMNS = 'created timestamptz DEFAULT now(), updated timestamptz DEFAULT now()'
IDS = range(1, 9)       # of bugs that statements try
PROJECTS = (1, 2, 3)
PEOPLE = (1, 2, 3, 4)
STATES = (1, 2, 3)

# form: primary key, unique key that comments may refer to, PARTITION BY, partitions
BUGS_FORMS = {
    'plain': ('id', 'id', '', []),
    'deferrable': ('id', None, '', []),
    'composite': ('id', 'id, project_id', '', []),
    'list': ('id, project_id', 'id, project_id', 'LIST (project_id)', [
        ('bugs_1', 'bugs', 'FOR VALUES IN (1)', ''), ('bugs_2', 'bugs', 'FOR VALUES IN (2)', ''),
        ('bugs_x', 'bugs', 'DEFAULT', '')]),
    'range': ('id', 'id', 'RANGE (id)', [
        ('bugs_1', 'bugs', 'FOR VALUES FROM (MINVALUE) TO (5)', ''),
        ('bugs_2', 'bugs', 'FOR VALUES FROM (5) TO (MAXVALUE)', '')]),
    'hash': ('id', 'id', 'HASH (id)', [
        ('bugs_1', 'bugs', 'FOR VALUES WITH (MODULUS 2, REMAINDER 0)', ''),
        ('bugs_2', 'bugs', 'FOR VALUES WITH (MODULUS 2, REMAINDER 1)', '')]),
    'state list': ('id, state', None, 'LIST (state)', [
        ('bugs_1', 'bugs', 'FOR VALUES IN (1)', ''), ('bugs_2', 'bugs', 'FOR VALUES IN (2, 3)', '')]),
    'sub': ('id, project_id', 'id, project_id', 'LIST (project_id)', [
        ('bugs_1', 'bugs', 'FOR VALUES IN (1)', 'PARTITION BY HASH (id)'),
        ('bugs_1a', 'bugs_1', 'FOR VALUES WITH (MODULUS 2, REMAINDER 0)', ''),
        ('bugs_1b', 'bugs_1', 'FOR VALUES WITH (MODULUS 2, REMAINDER 1)', ''),
        ('bugs_x', 'bugs', 'DEFAULT', '')]),
}
PLAIN_FORMS = ('plain', 'plain', 'deferrable', 'composite')
UNIQUE_IDS = ('plain', 'composite', 'range', 'hash')


class Schema:
    """rng decides everything; features are the kinds of things that it may use."""

    def __init__(self, rng, features):
        self.rng = rng
        self.features = features
        self.bugs_form = self.draw_form()
        forms = ['plain', 'plain', 'hash', 'inherited'] if 'partitions' in features else ['plain']
        self.comments_form = rng.choice(forms)
        self.reference = self.draw_reference()
        self.tables = {table.name: table for table in (
            self.make_states(), self.make_labels(), self.make_projects(), self.make_people(),
            self.make_members(), self.make_bugs(), self.make_comments())}
        self.followed = self.has('follow', 0.5)

    def draw_form(self):
        forms = PLAIN_FORMS
        if 'partitions' in self.features and self.rng.random() < 0.5:
            forms = [form for form in BUGS_FORMS if form not in PLAIN_FORMS]
        return self.rng.choice(forms)

    def draw_reference(self):
        """How comments refer to bugs; None where nothing can be referred to."""
        key = BUGS_FORMS[self.bugs_form][1]
        if key is None or self.rng.random() < 0.15:
            return None
        kinds = ['CASCADE', 'CASCADE', 'NO ACTION']
        if self.comments_form != 'inherited':
            kinds.append('SET NULL')
        deferred = self.rng.choice(['', '', ' DEFERRABLE INITIALLY DEFERRED'])
        columns = 'bug_id, bug_project' if 'project' in key else 'bug_id'
        return (f'FOREIGN KEY ({columns}) REFERENCES bugs ({key}) ON DELETE {self.rng.choice(kinds)}'
                f' ON UPDATE {self.rng.choice(["CASCADE", "CASCADE", "NO ACTION"])}{deferred}')

    @property
    def is_composite(self):
        return bool(self.reference) and 'bug_project' in self.reference

    @property
    def has_unique_ids(self):
        """Does the database itself see to it that no two bugs have one id?"""
        return self.bugs_form in UNIQUE_IDS

    @property
    def attached(self):
        return [table for table in self.tables.values() if table.entity]

    @property
    def partitions(self):
        """The leaves of bugs: (name, parent, bounds)."""
        return [(name, of, bounds) for name, of, bounds, below in BUGS_FORMS[self.bugs_form][3] if not below]

    def has(self, feature, share=1.0):
        return self.rng.random() < share and feature in self.features

    def maybe(self, entity, share):
        return entity if self.rng.random() < share else None

    # The tables

    def make_states(self):
        table = Table('states', 'workflow' if self.has('kinds', 0.4) else None)
        table.create = ['CREATE TABLE states (id int PRIMARY KEY, name text, closed boolean DEFAULT false)']
        table.column('name', 'name')
        table.sql['id'] = 'row.id'      # the primary key, without being named
        table.seen_by('all', "ARRAY['all']")
        return table

    def make_labels(self):
        table = Table('labels')
        table.create = ['CREATE TABLE labels (bug_id bigint, label text)']
        return table

    def make_projects(self):
        table = Table('projects', self.maybe('project', 0.7))
        table.create = ['CREATE TABLE projects (id bigint PRIMARY KEY, name text, about text,'
                        f' private boolean DEFAULT false, {TRACKER_COLUMNS})']
        self.map_row(table, id='id', name='name', description='about')
        if self.has('lookups', 0.3):
            count = '(SELECT count(*)::text FROM members m WHERE m.project_id = row.id)'
            table.expression('description', count, 'members', 'SELECT row.project_id')
        if self.has('audiences', 0.4):
            who = "CASE WHEN row.private THEN 'project:' || row.id ELSE 'all' END"
            table.seen_by(who, f'ARRAY[{who}]')
        return table

    def make_people(self):
        table = Table('people', self.maybe('user', 0.6))
        table.create = [f"""CREATE TABLE people (id bigint PRIMARY KEY, login text, email text, phone text,
            role text DEFAULT 'user', status text DEFAULT 'active', {TRACKER_COLUMNS})"""]
        self.map_row(table, id='id', username='login', email='email', phone='phone', role='role',
                     status='status')
        if self.rng.random() < 0.5:
            table.admin = {'email', 'phone'}
        return table

    def make_members(self):
        table = Table('members', self.maybe('membership', 0.6))
        table.create = ["""CREATE TABLE members (id bigint PRIMARY KEY,
            user_id bigint REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE,
            project_id bigint REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE)"""]
        for field in ('id', 'user_id', 'project_id'):
            table.column(field, field)
        return table

    def make_bugs(self):
        table = Table('bugs', 'bug_report')
        table.create = self.create_bugs()
        self.map_row(table, id='id', title='summary', description='body', status='status', priority='priority',
                     assignee_id='owner', project_id='project_id')
        if self.rng.random() < 0.5:
            table.column('creator_id', 'reporter')
        if self.rng.random() < 0.6:
            table.add_extra('votes')
        if self.has('extras', 0.3):
            count = '(SELECT count(*) FROM labels l WHERE l.bug_id = row.id)'
            table.extra_expression('labels', count, 'labels', 'SELECT row.bug_id')
        if self.has('quiet', 0.3):
            table.quiet = {'updated_at'}
        self.look_up_for_bugs(table)
        self.filter_bugs(table)
        self.confine_bugs(table)
        return table

    def create_bugs(self):
        key, unique, by, partitions = BUGS_FORMS[self.bugs_form]
        owner = self.rng.choice(['', ' REFERENCES people ON DELETE SET NULL ON UPDATE CASCADE',
                                 ' REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE'])
        project = self.rng.choice(['', ' REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE'])
        if 'project' not in key:
            project = self.rng.choice([project, ' REFERENCES projects ON DELETE SET NULL ON UPDATE CASCADE'])
        deferrable = ' DEFERRABLE' if self.bugs_form == 'deferrable' else ''
        also = f', UNIQUE ({unique})' if unique and unique != key else ''
        return [f"""CREATE TABLE bugs (id bigint, project_id bigint{project}, summary text, body text,
            status text DEFAULT 'open', state int DEFAULT 1, priority text DEFAULT 'medium', reporter bigint,
            owner bigint{owner}, hidden boolean DEFAULT false, votes int DEFAULT 0, {TRACKER_COLUMNS},
            PRIMARY KEY ({key}){deferrable}{also})
            {f'PARTITION BY {by}' if by else ''}"""] + [
            f'CREATE TABLE {name} PARTITION OF {of} {bounds} {below}' for name, of, bounds, below in partitions]

    def look_up_for_bugs(self, table):
        if self.has('lookups', 0.4):
            name = '(SELECT s.name FROM states s WHERE s.id = row.state)'
            table.expression('status', name, 'states', 'SELECT b.id FROM bugs b WHERE b.state = row.id')
        if self.has('lookups', 0.3):
            labels = "(SELECT string_agg(l.label, ',' ORDER BY l.label) FROM labels l WHERE l.bug_id = row.id)"
            table.expression('description', labels, 'labels', 'SELECT row.bug_id')

    def filter_bugs(self, table):
        if self.has('filters', 0.3):
            table.filter = 'NOT row.hidden'
        elif self.has('filters', 0.2) and 'lookups' in self.features:
            table.filter = 'NOT coalesce((SELECT s.closed FROM states s WHERE s.id = row.state), false)'
            table.depend('states', 'SELECT b.id FROM bugs b WHERE b.state = row.id')

    def confine_bugs(self, table):
        of_project = "coalesce('project:' || row.project_id, 'admin')"
        hidden = "CASE WHEN row.hidden THEN 'admin' ELSE 'all' END"
        owner = "coalesce('user:' || row.owner, 'all')"
        kinds = [('all', "ARRAY['all']"), (f"ARRAY['admin', {of_project}]", f"ARRAY['admin', {of_project}]")]
        kinds += [(who, f'ARRAY[{who}]') for who in (of_project, hidden, owner)]
        if 'lookups' in self.features:
            kinds += self.looked_up_audiences(of_project)
        if self.has('audiences', 0.6):
            table.seen_by(*self.rng.choice(kinds))
        elif self.has('failing', 0.1):      # where it can't be told, admins only
            table.seen_by("CASE WHEN 1 / (row.votes % 3) > 5 THEN 'admin' ELSE 'all' END",
                          "ARRAY[CASE WHEN row.votes % 3 = 0 THEN 'admin' ELSE 'all' END]")

    @staticmethod
    def looked_up_audiences(of_project):
        private = ('CASE WHEN (SELECT p.private FROM projects p WHERE p.id = row.project_id)'
                   f" THEN {of_project} ELSE 'all' END")
        members = ("(SELECT array_agg('user:' || m.user_id ORDER BY m.id) FROM members m"
                   " WHERE m.project_id = row.project_id) || '{admin}'")
        return [(private, f'ARRAY[{private}]', 'projects', 'SELECT b.id FROM bugs b WHERE b.project_id = row.id'),
                (members, members, 'members', 'SELECT b.id FROM bugs b WHERE b.project_id = row.project_id')]

    def make_comments(self):
        table = Table('comments', self.maybe('comment', 0.85))
        table.create = self.create_comments()
        self.map_row(table, id='id', bug_report_id='bug_id', user_id='author', content='content')
        keys = 'SELECT c.id FROM comments c WHERE c.bug_id = row.id'
        if self.comments_form == 'inherited':
            table.expression('id', "row.bug_id || '/' || row.id")
            keys = "SELECT c.bug_id || '/' || c.id FROM comments c WHERE c.bug_id = row.id"
        if self.has('lookups', 0.5):
            project = '(SELECT min(b.project_id) FROM bugs b WHERE b.id = row.bug_id)'
            table.expression('project_id', project, 'bugs', keys)
        if self.has('audiences', 0.4) and 'lookups' in self.features:
            who = ("coalesce((SELECT min(CASE WHEN b.hidden THEN 'admin' ELSE coalesce('project:' || b.project_id, 'all')"
                   " END) FROM bugs b WHERE b.id = row.bug_id), 'all')")
            table.seen_by(who, f'ARRAY[{who}]', 'bugs', keys)
        return table

    def create_comments(self):
        key = 'bug_id, id' if self.comments_form == 'inherited' else 'id'
        reference = f', {self.reference}' if self.reference else ''
        create = [f"""CREATE TABLE comments (id bigint, bug_id bigint, bug_project bigint, author bigint,
            content text, votes int DEFAULT 0, {TRACKER_COLUMNS}, PRIMARY KEY ({key}){reference})"""]
        if self.comments_form != 'hash':
            return create
        return [f'{create[0]} PARTITION BY HASH (id)'] + [
            f'CREATE TABLE comments_{i} PARTITION OF comments FOR VALUES WITH (MODULUS 2, REMAINDER {i})' for i in (0, 1)]

    @staticmethod
    def map_row(table, **columns):
        for field, column in columns.items():
            table.column(field, column)
        table.time('created_at', 'created')
        table.time('updated_at', 'updated')

    # What is done to them

    def create(self):
        return ['CREATE SEQUENCE serial START 1000', 'CREATE SEQUENCE fuel'] + [
            text for table in self.tables.values() for text in table.create]

    def fill(self):
        """The rows that are there before anything is attached."""
        return ["INSERT INTO states VALUES (1, 'new', false), (2, 'open', false), (3, 'closed', true)",
                "INSERT INTO projects (id, name, private) SELECT i, 'project ' || i, i = 2"
                f' FROM generate_series(1, {len(PROJECTS)}) i',
                "INSERT INTO people (id, login, email, role) SELECT i, 'user ' || i, i || '@x',"
                f" CASE i WHEN 1 THEN 'admin' ELSE 'user' END FROM generate_series(1, {len(PEOPLE)}) i",
                'INSERT INTO members VALUES (1, 2, 1), (2, 2, 2), (3, 3, 3)',
                'INSERT INTO bugs (id, project_id, summary, state, owner)'
                " SELECT i, 1 + i % 3, 'bug ' || i, 1 + i % 3, 1 + i % 4 FROM generate_series(1, 5) i",
                'INSERT INTO comments (id, bug_id, bug_project, author, content)'
                " SELECT i, b.id, b.project_id, 2, 'comment ' || i"
                ' FROM generate_series(1, 4) i JOIN bugs b ON b.id = 1 + i % 3',
                "INSERT INTO labels VALUES (1, 'ui'), (2, 'db')"]

    def attach(self):
        statements = [table.attach() for table in self.attached]
        if self.followed:
            statements += [text for table in self.attached for text in table.follow()]
        return statements
