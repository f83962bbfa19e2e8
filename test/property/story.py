"""story: what happens in a world, as steps that can be run, dropped and shown.

A step belongs to a session and is one statement.  Those of a transaction stand in their order; the
transactions of several sessions are interleaved.
"""
import collections

from statement import Statements

Step = collections.namedtuple('Step', 'session transaction kind sql')

# kind of statement: feature that it needs, weight
KINDS = {
    'update_bugs': (None, 12), 'insert_bugs': (None, 5), 'upsert_bug': (None, 3), 'delete_bugs': (None, 3),
    'change_comments': (None, 7), 'change_projects': (None, 4), 'change_members': (None, 2), 'change_people': (None, 3),
    'change_lookups': ('lookups', 5), 'change_key': ('keys', 3), 'swap_keys': ('keys', 2), 'reinsert_bug': ('nets', 3),
    'there_and_back': ('nets', 2), 'merge_bugs': (None, 2), 'writing_cte': (None, 2), 'bump_in_set': ('volatile', 2),
    'copy_bugs': (None, 1), 'cursor': (None, 2), 'open_cursor': (None, 1), 'exception': (None, 3), 'many': ('many', 1),
    'send': (None, 1), 'act': ('actors', 1), 'constraints': (None, 1), 'truncate': ('truncate', 1), 'redefine': ('ddl', 4),
}


class Story:
    def __init__(self, rng, schema, watched):
        self.rng = rng
        self.schema = schema
        features = schema.features
        self.kinds = {kind: weight for kind, (needs, weight) in KINDS.items() if needs is None or needs in features}
        self.sessions = rng.choice([2, 2, 3]) if 'concurrent' in features and rng.random() < 0.25 else 1
        if self.sessions > 1:       # their locks would be all that is met
            self.without('redefine', 'truncate', 'many')
        elif not watched:           # nobody would know the states between
            self.without('redefine', 'truncate')
        self.transactions = 0
        # Serializable ones are so among themselves only.
        serializable, others = [' ISOLATION LEVEL SERIALIZABLE'], ['', '', '', '', ' ISOLATION LEVEL REPEATABLE READ']
        self.isolations = serializable + others if self.sessions == 1 else serializable if rng.random() < 0.2 else others

    def without(self, *kinds):
        for kind in kinds:
            self.kinds.pop(kind, None)

    def steps(self):
        queues = [self.session(number) for number in range(self.sessions)]
        steps = self.overtaken() if self.sessions > 1 and 'lookups' in self.schema.features else []
        while any(queues):
            queue = self.rng.choice([queue for queue in queues if queue])
            steps.append(queue.pop(0))
        return steps

    def overtaken(self):
        """Rows written by one whose snapshot is older than a lookup that another one has changed and committed."""
        first, second = (Statements(self.rng, self.schema, number) for number in range(2))
        steps = []
        for _ in range(self.rng.choice([1, 3, 5])):
            begin = f'BEGIN{self.rng.choice(self.isolations)}'
            self.transactions += 2
            older, newer = ([Step(number, self.transactions - number, *step) for step in parts] for number, parts in (
                (0, [('begin', begin), ('statement', 'SELECT 1'),
                     *(('statement', sql) for sql in self.rng.choice([[first.update_bugs()], [first.insert_bugs()], [first.change_comments()]])),
                     ('commit', 'COMMIT')]),
                (1, [('begin', begin), ('statement', second.change_lookups()), ('commit', 'COMMIT')])))
            steps += older[:2] + newer + older[2:]
        return steps

    def session(self, number):
        statements = Statements(self.rng, self.schema, number)
        steps, undecided = [], []
        for _ in range(7 if self.sessions == 1 else 4):
            self.transactions += 1
            made = [Step(number, self.transactions, *step) for step in self.transaction(statements)]
            steps += made
            if made[-1].kind == 'prepare':
                undecided.append(self.decision(made[-1]))
            locked = any(step.kind in ('ddl', 'truncate') for step in made)     # nobody could look at the table
            while undecided and (locked or self.rng.random() < 0.7):
                steps.append(undecided.pop(0))
        return steps + undecided

    def transaction(self, statements):
        isolation = self.rng.choice(self.isolations)
        steps = [('begin', f'BEGIN{isolation}')]
        guarded = self.rng.random() < 0.4   # a statement that fails is undone alone
        savepoints = []
        for _ in range(self.rng.choice([1, 1, 2, 2, 3, 4, 6])):
            steps += self.savepoint(savepoints)
            for sql in self.statement(statements):
                steps += [('savepoint', 'SAVEPOINT guard')] if guarded else []
                steps.append((self.kind_of(sql), sql))
                steps += [('release', 'RELEASE guard')] if guarded else []
        return steps + self.end()

    def statement(self, statements):
        kind = self.rng.choices(list(self.kinds), list(self.kinds.values()))[0]
        made = getattr(statements, kind)()
        return made if isinstance(made, list) else [made]

    @staticmethod
    def kind_of(sql):
        if sql.startswith('SELECT bugevents.attach'):
            return 'ddl'
        return {'TRUNCATE': 'truncate', 'ALTER': 'ddl', 'CLUSTER': 'ddl', 'DROP': 'ddl'}.get(sql.split()[0], 'statement')

    def savepoint(self, open_ones):
        if 'savepoints' not in self.schema.features:
            return []
        chance = self.rng.random()
        if chance < 0.15:
            open_ones.append(f's{len(open_ones)}')
            return [('savepoint', f'SAVEPOINT {open_ones[-1]}')]
        if chance < 0.25 and open_ones:
            return [('rollback to', f'ROLLBACK TO {open_ones[-1]}')]
        if chance < 0.3 and open_ones:
            return [('release', f'RELEASE {open_ones.pop()}')]
        return []

    def end(self):
        chance = self.rng.random()
        if chance < 0.1:
            return [('rollback', 'ROLLBACK')]
        if chance < 0.2 and 'prepared' in self.schema.features:
            return [('prepare', f"PREPARE TRANSACTION 'p{self.transactions}'")]
        return [('commit', 'COMMIT')]

    def decision(self, prepare):
        """What becomes of a prepared transaction, perhaps behind others of its session."""
        verb = self.rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])
        return prepare._replace(kind=f'{verb.lower()} prepared', sql=f"{verb} PREPARED {prepare.sql.split()[-1]}")
