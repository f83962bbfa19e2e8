"""trail: which rows a transaction has changed, and with which of its statements first.

Whoever runs the transaction looks at the tables after each statement, from inside.  What was changed
within a savepoint is forgotten with it.
"""


AT_THE_COMMIT = 10**9       # behind every statement


class Trail:
    def __init__(self, view):
        self.before = None      # what the world knew when it began
        self.view = view        # as it was last seen
        self.first = {}         # key -> number of the statement that changed it first
        self.actors = {}        # key -> who made its last change
        self.rekeyed = set()    # entities of which rows may have taken other keys
        self.states = {}        # key -> the rows that were seen, in the order
        self.number = 0
        self.marks = []         # a savepoint each: (name, first, actors)
        self.states_of(view.rows)

    def states_of(self, rows):
        for key, row in rows.items():
            seen = self.states.setdefault(key, [])
            if row not in seen:
                seen.append(row)

    def look(self, view, actor, rewritten=False):
        """After a statement; one that rewrites tables moves rows without changing them."""
        self.number += 1
        changed = self.view.differences(view)
        gone = {entity for entity, key in self.view.rows.keys() - view.rows.keys()}
        self.rekeyed |= gone & {entity for entity, key in view.rows.keys() - self.view.rows.keys()}
        for key in changed & (self.view.rows.keys() ^ view.rows.keys()) if rewritten else changed:
            self.first.setdefault(key, self.number)
            self.actors[key] = actor
        self.states_of(view.rows)
        self.view = view

    def sent(self, mark):
        """An event of no row, sent by the next statement."""
        self.first['note', mark] = self.number + 1

    def mark(self, name):
        self.marks.append((name, dict(self.first), dict(self.actors)))

    def release(self, name):
        del self.marks[self.find(name):]

    def roll_back_to(self, name, view):
        at = self.find(name)
        self.first, self.actors = dict(self.marks[at][1]), dict(self.marks[at][2])
        del self.marks[at + 1:]
        self.view = view

    def find(self, name):
        return max(i for i, (mark, *_) in enumerate(self.marks) if mark == name)

    def known(self, after, actor):
        """What a Commit says of it.  Behind the last statement there is what the commit itself did."""
        last = self.view
        self.look(after, actor)
        touched = set(self.first)
        for key in last.differences(after):
            if self.first[key] == self.number:
                self.first[key] = AT_THE_COMMIT
        return {'touched': touched, 'first': self.first, 'actors': self.actors, 'states': self.states,
                'rekeyed': self.rekeyed}
