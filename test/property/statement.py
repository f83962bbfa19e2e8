"""statement: random statements over the tables of a schema.

Ids are drawn from so few that statements meet: what one inserted another deletes, inserts again or
gives another key.  A statement may fail, and often does; what becomes of the transaction then is
decided by who runs it.
"""
from schema import IDS, PEOPLE, PROJECTS, STATES


class Statements:
    def __init__(self, rng, schema, writer=0):
        self.rng = rng
        self.schema = schema
        self.fresh = 20 + 200 * writer      # ids that nobody else uses
        self.marks = 0

    # Values

    def mark(self):
        self.marks += 1
        return f"'m{self.marks}'"

    def bug(self):
        return self.rng.choice(IDS)

    def new_id(self):
        self.fresh += 1
        return self.fresh

    def new_bug(self):
        """An id to insert a bug under: one of the few, where nobody else can do so at the same time."""
        return self.new_id() if self.fresh > 200 and not self.schema.has_unique_ids else self.bug()

    def project(self):
        return self.rng.choice(PROJECTS)

    def person(self):
        return self.rng.choice(PEOPLE + ('NULL',))

    def condition(self):
        rng = self.rng
        some = ', '.join(str(self.bug()) for _ in range(3))
        return rng.choice([f'id = {self.bug()}', f'id = {self.bug()}', f'id IN ({some})',
                           f'project_id = {self.project()}', 'votes < 3', f'id > {self.bug()}'])

    # Bugs

    def assignment(self):
        rng = self.rng
        return rng.choice([
            f'summary = {self.mark()}', "summary = summary || '+'", f'body = {self.mark()}',
            f"status = '{rng.choice(['open', 'closed', 'draft'])}'", f'state = {rng.choice(STATES)}',
            f'owner = {self.person()}', f'project_id = {self.project()}', 'votes = votes + 1',
            f'hidden = {rng.choice(["true", "false", "NOT hidden"])}', 'updated = clock_timestamp()',
            'priority = priority'])

    def assignments(self):
        chosen = {}
        for _ in range(self.rng.randint(1, 3)):
            text = self.assignment()
            chosen.setdefault(text.split(' = ')[0], text)
        return ', '.join(chosen.values())

    def update_bugs(self):
        return f'UPDATE bugs SET {self.assignments()} WHERE {self.condition()}'

    def insert_bugs(self):
        """Each under an id that isn't taken, whatever the primary key is."""
        rows = ', '.join(
            f'({self.new_bug()}, {self.project()}, {self.mark()}, {self.rng.choice(STATES)}, {self.person()},'
            f' {self.rng.random() < 0.2})' for _ in range(self.rng.randint(1, 2)))
        return ('INSERT INTO bugs (id, project_id, summary, state, owner, hidden)'
                ' SELECT DISTINCT ON (v.id) v.id, v.p, v.s, v.st, v.o::bigint, v.h'
                f' FROM (VALUES {rows}) v(id, p, s, st, o, h)'
                ' WHERE NOT EXISTS (SELECT FROM bugs b WHERE b.id = v.id) ORDER BY v.id')

    def upsert_bug(self):
        if not self.schema.has_unique_ids:
            return self.insert_bugs()
        action = self.rng.choice(['NOTHING', f'UPDATE SET {self.assignments_of("bugs")}',
                                  'UPDATE SET summary = excluded.summary, votes = bugs.votes + 1'])
        values = f'{self.bug()}, {self.project()}, {self.mark()}'
        return f'INSERT INTO bugs (id, project_id, summary) VALUES ({values}) ON CONFLICT (id) DO {action}'

    def assignments_of(self, table):
        """On the right side of ON CONFLICT columns are ambiguous."""
        text = self.assignments()
        for column in ('= summary', '= votes', 'NOT hidden', '= priority'):
            text = text.replace(column, column.replace(' ', f' {table}.'))
        return text

    def delete_bugs(self):
        return f'DELETE FROM bugs WHERE {self.condition()}'

    def change_key(self):
        new = self.new_bug()
        return (f'UPDATE bugs SET id = {new} WHERE id = {self.bug()}'
                f' AND NOT EXISTS (SELECT FROM bugs WHERE id = {new})')

    def swap_keys(self):
        """Two bugs take each other's id: in one statement, or by way of a third."""
        one, other = self.rng.sample(IDS, 2)
        if self.schema.bugs_form == 'deferrable':
            return [f'UPDATE bugs SET id = CASE id WHEN {one} THEN {other} ELSE {one} END'
                    f' WHERE id IN ({one}, {other})']
        if not self.schema.has_unique_ids:
            return [self.update_bugs()]
        return [f'UPDATE bugs SET id = -{one} WHERE id = {one}', f'UPDATE bugs SET id = {one} WHERE id = {other}',
                f'UPDATE bugs SET id = {other} WHERE id = -{one}']

    def reinsert_bug(self):
        bug = self.bug()
        return [f'DELETE FROM bugs WHERE id = {bug}',
                'INSERT INTO bugs (id, project_id, summary, state)'
                f' SELECT {bug}, {self.project()}, {self.mark()}, {self.rng.choice(STATES)}'
                f' WHERE NOT EXISTS (SELECT FROM bugs WHERE id = {bug})']

    def there_and_back(self):
        bug = self.bug()
        return self.rng.choice([
            [f'UPDATE bugs SET votes = votes + 1 WHERE id = {bug}',
             f'UPDATE bugs SET votes = votes - 1 WHERE id = {bug}'],
            [f"INSERT INTO bugs (id, project_id, summary) VALUES ({self.new_id()}, 1, 'short')",
             f'DELETE FROM bugs WHERE id = {self.fresh}']])

    def merge_bugs(self):
        when = self.rng.choice(['UPDATE SET summary = s.summary', 'DELETE', 'UPDATE SET votes = b.votes + 1'])
        rows = ', '.join(f'({bug}, {self.project()}, {self.mark()})' for bug in (self.new_bug(), self.new_id()))
        return (f'MERGE INTO bugs b USING (VALUES {rows}) s(id, project, summary) ON b.id = s.id'
                f' WHEN MATCHED THEN {when}'
                ' WHEN NOT MATCHED THEN INSERT (id, project_id, summary) VALUES (s.id, s.project, s.summary)')

    def writing_cte(self):
        return (f'WITH gone AS (DELETE FROM comments WHERE bug_id = {self.bug()} RETURNING id),'
                f' up AS (UPDATE bugs SET {self.assignments()} WHERE id IN ({self.bug()}, {self.bug()})'
                " RETURNING id) INSERT INTO labels SELECT id, 'cte' FROM up")

    def bump_in_set(self):
        return f'UPDATE bugs SET summary = bump(id, {self.bug()}) WHERE {self.condition()}'

    def copy_bugs(self):
        rows = '\\n'.join(f'{self.new_id()}\\t{self.project()}\\tcopied' for _ in range(2))
        return f"COPY bugs (id, project_id, summary) FROM PROGRAM $$printf '{rows}\\n'$$"

    def cursor(self):
        change = self.rng.choice([f'UPDATE bugs SET {self.assignments()}', 'DELETE FROM bugs'])
        return (f'DO $$ DECLARE c CURSOR FOR SELECT * FROM bugs WHERE {self.condition()} ORDER BY id FOR UPDATE;'
                f' BEGIN FOR r IN c LOOP {change} WHERE CURRENT OF c; END LOOP; END $$')

    def open_cursor(self):
        return [f'DECLARE c CURSOR FOR SELECT * FROM bugs WHERE id >= {self.bug()} FOR UPDATE', 'FETCH c',
                f'UPDATE bugs SET {self.assignments()} WHERE CURRENT OF c', 'CLOSE c']

    def exception(self):
        kinds = [self.update_bugs, self.delete_bugs, self.change_comments, self.insert_bugs]
        one, other, third = (self.rng.choice(kinds)() for _ in range(3))
        return f"DO $$ BEGIN {one}; BEGIN {other}; RAISE 'no'; EXCEPTION WHEN OTHERS THEN {third}; END; END $$"

    def many(self):
        """Enough to be spilled."""
        first, rows = self.new_id(), self.rng.choice([30, 150])
        self.fresh += rows
        return self.rng.choice([
            ["INSERT INTO bugs (id, project_id, summary, body) SELECT i, 1 + i % 3, 'many', repeat('x', 300)"
             f' FROM generate_series({first}, {first + rows - 1}) i',
             f'UPDATE bugs SET votes = votes + 1 WHERE id >= {first}'],
            ['UPDATE bugs SET body = repeat(id::text, 100), votes = votes + 1', 'DELETE FROM bugs WHERE id >= 20']])

    # The others

    def change_comments(self):
        bug, comment = self.bug(), self.rng.randint(1, 4)
        return self.rng.choice([
            self.insert_comment(bug, self.mark()), self.insert_comment(bug, self.mark()),
            f'UPDATE comments SET content = {self.mark()} WHERE bug_id = {bug}',
            f'UPDATE comments SET votes = votes + 1 WHERE id = {comment}',
            f'DELETE FROM comments WHERE bug_id = {bug}', f'DELETE FROM comments WHERE id = {comment}',
            f'UPDATE comments SET bug_id = {bug} WHERE id = {comment}'])

    def insert_comment(self, bug, text):
        return ("INSERT INTO comments (id, bug_id, bug_project, content) SELECT nextval('serial'), "
                f'{bug}, (SELECT min(project_id) FROM bugs WHERE id = {bug}), {text}')

    def change_projects(self):
        project = self.project()
        return self.rng.choice([
            f"UPDATE projects SET name = name || '!' WHERE id = {project}",
            f'UPDATE projects SET about = {self.mark()} WHERE id = {project}',
            f'INSERT INTO projects (id, name) VALUES ({project}, {self.mark()})'
            ' ON CONFLICT (id) DO UPDATE SET name = excluded.name',
            f'UPDATE projects SET private = NOT private WHERE id = {project}',
            f'DELETE FROM projects WHERE id = {project}'])

    def change_lookups(self):
        bug, state, project = self.bug(), self.rng.choice(STATES), self.project()
        return self.rng.choice([
            f"UPDATE states SET name = name || '*' WHERE id = {state}",
            f'UPDATE states SET closed = NOT closed WHERE id = {state}',
            f'INSERT INTO labels VALUES ({bug}, {self.mark()})', f'DELETE FROM labels WHERE bug_id = {bug}',
            f'UPDATE labels SET bug_id = {bug} WHERE bug_id = {self.bug()}',
            f'UPDATE projects SET private = NOT private WHERE id = {project}',
            f'UPDATE bugs SET hidden = NOT hidden WHERE id = {bug}'])

    def change_members(self):
        person, project = self.rng.choice(PEOPLE), self.project()
        return self.rng.choice([
            f"INSERT INTO members VALUES (nextval('serial'), {person}, {project})",
            f'DELETE FROM members WHERE user_id = {person}',
            f'UPDATE members SET project_id = {project} WHERE user_id = {person}',
            f'UPDATE members SET user_id = {person} WHERE project_id = {project}'])

    def change_people(self):
        person = self.rng.choice(PEOPLE)
        return self.rng.choice([
            f'UPDATE people SET email = {self.mark()} WHERE id = {person}',
            f"UPDATE people SET login = login || '.' WHERE id = {person}",
            f'UPDATE people SET phone = {self.mark()}, login = {self.mark()} WHERE id = {person}',
            "UPDATE people SET status = CASE status WHEN 'active' THEN 'inactive' ELSE 'active' END WHERE id = 4",
            f"UPDATE people SET role = CASE role WHEN 'user' THEN 'admin' ELSE 'user' END WHERE id = {person}",
            'DELETE FROM people WHERE id = 4',
            f'INSERT INTO people (id, login) VALUES (4, {self.mark()}) ON CONFLICT DO NOTHING'])

    def send(self):
        return f"SELECT bugevents.send('note', 'posted', jsonb_build_object('mark', {self.mark()}))"

    def act(self):
        return f"SET {self.rng.choice(['', 'LOCAL '])}bugevents.actor = '{self.rng.choice(PEOPLE)}'"

    def constraints(self):
        return f'SET CONSTRAINTS ALL {self.rng.choice(["IMMEDIATE", "DEFERRED"])}'

    # What redefines or empties tables

    def truncate(self):
        return self.rng.choice(['TRUNCATE comments', 'TRUNCATE bugs CASCADE', 'TRUNCATE labels'])

    def redefine(self):
        choices = ['ALTER TABLE bugs ADD COLUMN IF NOT EXISTS spare int DEFAULT 7',
                   'ALTER TABLE bugs DROP COLUMN IF EXISTS spare',
                   'ALTER TABLE bugs ADD COLUMN IF NOT EXISTS spare2 float DEFAULT random()',
                   *(f'ALTER TABLE {table} ALTER COLUMN votes TYPE {kind}'
                     for table in ('bugs', 'comments') for kind in ('int', 'bigint')), 'CREATE INDEX ON bugs (votes)', 'ANALYZE bugs',
                   'CREATE TEMP TABLE IF NOT EXISTS scratch (i int) ON COMMIT DROP',
                   'CREATE TABLE IF NOT EXISTS unrelated (i int)', 'GRANT SELECT ON bugs TO PUBLIC',
                   self.schema.tables['bugs'].attach()]
        return self.rng.choice(choices + (self.redefine_partition() if self.schema.partitions else
                                          ['CLUSTER bugs USING bugs_pkey', self.copy_frozen()]))

    def redefine_partition(self):
        name, of, bounds = self.rng.choice(self.schema.partitions)
        detach = f'ALTER TABLE {of} DETACH PARTITION {name}'
        return [f'TRUNCATE {name} CASCADE', f'DROP TABLE {name} CASCADE', detach,
                [detach, f'ALTER TABLE {of} ATTACH PARTITION {name} {bounds}']]

    def copy_frozen(self):
        return ['TRUNCATE bugs CASCADE', self.copy_bugs() + ' WITH (FREEZE)']
