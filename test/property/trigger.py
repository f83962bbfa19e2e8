"""trigger: random triggers of an application, of all four times, on the tables of a schema.

They change the row itself, siblings, earlier rows and other tables.  Their names sort before or
after that of the capture trigger, and some are deferred to the commit.  Each ends its own recursion,
and all end when the fuel is used up: deferred ones are queued anew and don't nest.
"""
TIMES = ('BEFORE ROW', 'BEFORE ROW', 'AFTER ROW', 'AFTER ROW', 'AFTER ROW', 'BEFORE STATEMENT', 'AFTER STATEMENT',
         'DEFERRED')
EVENTS = ('INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE', 'INSERT OR UPDATE', 'UPDATE OR DELETE')
PREFIXES = ('000', '00_a', '00_z', 'zz')    # around 00_bugevents
VOLATILE = '''CREATE FUNCTION bump(this bigint, other bigint) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN UPDATE bugs SET votes = votes + 1 WHERE id = other AND id <> this; RETURN 'bumped ' || other; END $$'''


class Trigger:
    """One trigger and its function, as the statements that create it."""

    def __init__(self, rng, schema, statements, number):
        self.rng = rng
        self.schema = schema
        self.statements = statements
        self.name = f'{rng.choice(PREFIXES)}_{number}'
        self.function = f'trigger_{number}'
        self.table = rng.choice(['bugs', 'bugs', 'bugs', 'comments', 'comments', 'projects'])
        self.time = rng.choice(TIMES)
        self.event = rng.choice(EVENTS)
        self.depth = rng.choice([1, 1, 2])

    def create(self):
        return [f'CREATE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN'
                f' IF {self.ends()} THEN RETURN {self.result()}; END IF; {self.body()};'
                f' RETURN {self.result()}; END $f$; {self.definition()}']

    def ends(self):
        return f"pg_trigger_depth() > {self.depth} OR nextval('fuel') > 300"

    def definition(self):
        function = f'EXECUTE FUNCTION {self.function}()'
        if self.time == 'DEFERRED':
            return (f'CREATE CONSTRAINT TRIGGER "{self.name}" AFTER {self.event} ON {self.table}'
                    f' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {function}')
        time, level = self.time.split()
        return f'CREATE TRIGGER "{self.name}" {time} {self.event} ON {self.table} FOR EACH {level} {function}'

    def result(self):
        return {'BEFORE ROW': 'COALESCE(NEW, OLD)'}.get(self.time, 'NULL')

    def body(self):
        if 'STATEMENT' in self.time:
            made = self.statements
            return self.rng.choice([made.update_bugs, made.change_comments, made.change_projects, made.change_lookups])()
        choices = self.on_others() + getattr(self, f'on_{self.table}')()
        if self.time == 'BEFORE ROW' and 'DELETE' not in self.event:
            choices += self.on_itself()
        text = self.rng.choice(choices)
        if self.rng.random() < 0.2:
            return f"BEGIN {text}; RAISE 'undone'; EXCEPTION WHEN OTHERS THEN NULL; END; {text}"
        return text

    def row(self):
        return 'OLD' if 'DELETE' in self.event else 'NEW'

    def on_itself(self):
        text = {'bugs': 'summary', 'comments': 'content', 'projects': 'about'}[self.table]
        choices = [f"NEW.{text} := coalesce(NEW.{text}, '') || '.'", 'NEW.updated := clock_timestamp()']
        if self.table != 'projects':
            choices += ['NEW.votes := coalesce(NEW.votes, 0) + 1', 'IF NEW.votes % 5 = 3 THEN RETURN NULL; END IF']
        return choices

    def on_others(self):
        return [self.statements.change_lookups(), self.statements.change_projects(), self.statements.update_bugs(),
                f"INSERT INTO labels SELECT {self.row()}.id, 'by trigger'"]

    def on_bugs(self):
        row = self.row()
        return [f'UPDATE bugs SET votes = votes + 1 WHERE id = {row}.id',
                f"UPDATE bugs SET summary = summary || '~' WHERE id = {row}.id",
                f'UPDATE bugs SET votes = votes + 1 WHERE id = {row}.id - 1',
                f'UPDATE bugs SET votes = votes + 1 WHERE id = {row}.id + 1',
                f'UPDATE bugs SET votes = votes + 10 WHERE id < {row}.id',
                f'DELETE FROM bugs WHERE id = {row}.id AND id > 6',
                f'DELETE FROM comments WHERE bug_id = {row}.id',
                self.statements.insert_comment(f'{row}.id', "'by trigger'"),
                f"UPDATE comments SET votes = votes + 1, content = content || '~' WHERE bug_id = {row}.id",
                f"UPDATE projects SET about = coalesce(about, '') || '~' WHERE id = {row}.project_id"]

    def on_comments(self):
        row = self.row()
        return [f'UPDATE bugs SET votes = votes + 1, updated = clock_timestamp() WHERE id = {row}.bug_id',
                "INSERT INTO bugs (id, project_id, summary)"
                f" SELECT {row}.bug_id, coalesce({row}.bug_project, 1), 'parent'"
                f' WHERE NOT EXISTS (SELECT FROM bugs WHERE id = {row}.bug_id)',
                f"UPDATE comments SET content = content || '~' WHERE bug_id = {row}.bug_id AND id < {row}.id",
                f"UPDATE comments SET content = content || '~' WHERE id = {row}.id",
                f'DELETE FROM comments WHERE id = {row}.id AND id % 3 = 0']

    def on_projects(self):
        row = self.row()
        return [f"UPDATE bugs SET summary = summary || '~' WHERE project_id = {row}.id",
                f'DELETE FROM members WHERE project_id = {row}.id',
                f"UPDATE projects SET about = coalesce(about, '') || '~' WHERE id = {row}.id",
                f"UPDATE projects SET about = coalesce(about, '') || '~' WHERE id < {row}.id"]


def make_triggers(rng, schema, statements):
    """The statements that create those of a world, each on its own, as a shrinking drops them."""
    created = [VOLATILE]
    if 'triggers' in schema.features:
        for number in range(rng.choice([0, 0, 1, 1, 2, 3])):
            created += Trigger(rng, schema, statements, number).create()
    return created
