"""change: what each viewer must be told when a row is no longer what it was.

A Change is a row as it was before a transaction and as it is behind it.  For each viewer it comes
down to one group of messages: created, deleted, moved_out, or updated and what goes with that.
"""
import collections

Message = collections.namedtuple('Message', 'action payload changes')


class Change:
    def __init__(self, key, old, new, quiet=frozenset()):
        self.entity, self.key = key
        self.quiet = quiet          # fields whose change alone is none
        self.old = old if old and old.wanted else None
        self.new = new if new and new.wanted else None

    def messages(self, viewer):
        if self.entity == 'user' and not viewer.is_admin and (self.old or self.new).audience is None:
            return self.to_the_user(viewer)
        saw, sees = viewer.sees(self.entity, self.old), viewer.sees(self.entity, self.new)
        if saw and sees:
            return self.updates(viewer)
        if sees:
            return [Message('created', viewer.strip(self.entity, self.new.payload), None)]
        if saw and self.new:
            return [Message('moved_out', {'id': self.key}, None)]
        return [Message('deleted', viewer.strip(self.entity, self.old.payload), None)] if saw else []

    def to_the_user(self, viewer):
        """Users hear of updates of their own row, nothing else."""
        if self.old and self.new and viewer.sees('user', self.new):
            return [message for message in self.updates(viewer) if message.action == 'updated']
        return []

    def updates(self, viewer):
        old, new = (viewer.strip(self.entity, row.payload) for row in (self.old, self.new))
        changes = {field: [old[field], new[field]] for field in new if old[field] != new[field]}
        messages = [Message('updated', new, changes)] if changes.keys() - self.quiet else []
        if self.entity in ('bug_report', 'user') and 'status' in changes:
            messages.append(Message('status_changed', new, {'status': changes['status']}))
        if self.entity == 'bug_report' and 'assignee_id' in changes:
            action = 'unassigned' if new['assignee_id'] is None else 'assigned'
            messages.append(Message(action, new, {'assignee_id': changes['assignee_id']}))
        return messages


def changes_between(before, after, touched, quiet):
    """Of the rows that were touched; quiet: entity -> fields."""
    changes = (Change(key, before.rows.get(key), after.rows.get(key), quiet.get(key[0], frozenset()))
               for key in touched)
    return [change for change in changes if change.old or change.new]
