"""verdict: what a transaction published, against what the tables were and are.

Whoever looks must be told exactly what leads from what it could SELECT before to what it can
SELECT behind the transaction: each row once, in one group, ordered by the rows' first changes.
A transaction that redefined or emptied tables may tell it in pieces, each from one state that the
row went through to the next.
"""
import collections

from change import Message, changes_between

# events: what bugevents.events() says; touched: keys; first to rekeyed: as in a trail, or None;
# shifted: keys of rows whose looked-up values changed under their last version
Commit = collections.namedtuple('Commit', 'transaction before after events touched first states actors rekeyed shifted pieces')
Event = collections.namedtuple('Event', 'seq xid type action audience payload changes actor')
Complaint = collections.namedtuple('Complaint', 'kind transaction text')

ENTITIES = ('bug_report', 'comment', 'project', 'user', 'membership', 'workflow')


def key_of(event):
    return event.type, event.payload.get('id')


def is_row(event):
    return event.type in ENTITIES and 'id' in event.payload


def group(events, viewer):
    """What a viewer is told of each row."""
    told = collections.defaultdict(list)
    for event in events:
        if is_row(event):
            told[key_of(event)].append(message_of(event, viewer))
    return told


def message_of(event, viewer):
    payload = {'id': event.payload['id']} if event.action == 'moved_out' else viewer.strip(event.type, event.payload)
    changes = viewer.strip(event.type, event.changes)
    if event.action == 'created' and changes and set(changes) == {'id'}:
        changes = None      # the key it had before: judged apart
    return Message(event.action, payload, changes)


def differences(told, due):
    """Where the messages aren't those that are due: (kind, key, told, due)."""
    for key in sorted(told.keys() | due.keys(), key=str):
        said, wanted = told.get(key, []), due.get(key, [])
        if said != wanted:
            yield kind_of(said, wanted), key, said, wanted


def kind_of(said, wanted):
    if not wanted:
        return 'phantom'
    if not said:
        return 'lost'
    if [message.action for message in said] != [message.action for message in wanted]:
        return 'actions'
    return 'payload' if any(one.payload != other.payload for one, other in zip(said, wanted)) else 'changes'


def show(messages):
    return ', '.join(f'{m.action} {m.payload}{f" changes {m.changes}" if m.changes else ""}' for m in messages) or 'nothing'


class Verdict:
    def __init__(self, viewers, quiet):
        self.viewers = viewers
        self.quiet = quiet          # entity -> fields whose change alone publishes nothing
        self.complaints = []

    def accuse(self, kind, commit, text):
        self.complaints.append(Complaint(kind, commit.transaction, text))

    def judge(self, commit):
        """The complete stream, through the eyes of each viewer."""
        before = len(self.complaints)
        self.judge_transaction(commit)
        for viewer in self.viewers:
            if len(self.complaints) > before:
                return
            seen = [event for event in commit.events if viewer.receives(event.audience)]
            self.judge_viewer(commit, viewer, seen)

    def judge_viewer(self, commit, viewer, seen):
        if commit.pieces:
            self.judge_pieces(commit, viewer, seen)
            return
        due = {}
        for change in changes_between(commit.before, commit.after, commit.touched, self.quiet):
            messages = change.messages(viewer)
            if messages:
                due[change.entity, change.key] = messages
        for kind, key, said, wanted in differences(group(seen, viewer), due):
            self.accuse(kind, commit, f'{" ".join(map(str, key))}, seen by {viewer}:\n  told   {show(said)}\n  SELECT {show(wanted)}')

    # What doesn't depend on who looks

    def judge_transaction(self, commit):
        if len({event.xid for event in commit.events}) > 1:
            self.accuse('rolled back', commit, 'events of more than the transaction that was committed: '
                        + '; '.join(f'{event.xid} {event.type} {event.action} {event.payload}' for event in commit.events))
        if not commit.pieces:
            self.judge_groups(commit)
            self.judge_order(commit)
            self.judge_actors(commit)

    def judge_groups(self, commit):
        order = [key_of(event) for event in commit.events if is_row(event)]
        runs = [key for i, key in enumerate(order) if i == 0 or order[i - 1] != key]
        for key, times in collections.Counter(runs).items():
            if times > 1:
                self.accuse('groups', commit, f'{key} has {times} groups of events: {[(e.action, key_of(e)) for e in commit.events]}')
                return

    def judge_order(self, commit):
        """By each row's first change, as far as it is known: by the statement that made it.

        What a row that took another key did before it had it is not known.
        """
        if commit.first is None:
            return
        places = [(commit.first.get(self.first_key(event), 10**9), key_of(event), event.action) for event in commit.events
                  if event.type not in commit.rekeyed]
        for one, other in zip(places, places[1:]):
            if one[0] > other[0]:
                self.accuse('order', commit, f'{one[1]} {one[2]} was changed first by statement {one[0]}, but comes before'
                            f' {other[1]} {other[2]} of statement {other[0]}')
                return

    def judge_actors(self, commit):
        """Who made the last change of each row."""
        for event in commit.events:
            if commit.actors is not None and event.type not in commit.rekeyed and event.actor != commit.actors.get(key_of(event), event.actor):
                self.accuse('actor', commit, f'{key_of(event)} {event.action} is said to be of {event.actor}, not {commit.actors[key_of(event)]}')
                return

    @staticmethod
    def first_key(event):
        return ('note', event.payload['mark']) if event.type == 'note' else key_of(event)

    # In pieces

    def judge_pieces(self, commit, viewer, seen):
        """Do the events lead from what could be SELECTed before to what can be SELECTed now?"""
        state = commit.before.visible(viewer)
        for event in seen:
            self.apply(commit, viewer, state, event)
        now = commit.after.visible(viewer)
        if self.is_untold(commit, viewer, seen):
            self.accuse('truncated', commit, f'{viewer} saw rows that are gone with a TRUNCATE, and was not told')
            return
        untold = {key for key in state.keys() | now.keys() if self.differ(key, state.get(key), now.get(key))
                  and not (key[0] == 'user' and not viewer.is_admin)} & commit.touched - commit.shifted
        if untold:
            key = min(untold, key=str)
            self.accuse('pieces', commit, f'{key}, seen by {viewer}:\n  events lead to {state.get(key)}\n  SELECT says    {now.get(key)}\n'
                        + '\n'.join(f'  {event.action} {event.payload}' for event in seen if not is_row(event) or key_of(event) == key))

    @staticmethod
    def is_untold(commit, viewer, seen):
        """Was a table emptied that the viewer saw rows of, for others' ears only?"""
        silent = {event.type for event in commit.events if event.action == 'truncated'} - {event.type for event in seen if event.action == 'truncated'}
        return any(key[0] in silent for key in commit.before.visible(viewer))

    def apply(self, commit, viewer, state, event):
        if event.action in ('truncated', 'reload'):
            self.empty(commit, viewer, state, event)
        elif is_row(event):
            if event.action not in ('deleted', 'moved_out'):
                self.judge_state(commit, viewer, event)
            fold(state, viewer, event)

    def differ(self, key, shown, selected):
        """Quiet fields may lag."""
        quiet = self.quiet.get(key[0])
        if not quiet or not shown or not selected:
            return shown != selected
        return any(shown.get(field) != selected[field] for field in selected.keys() - quiet)

    @staticmethod
    def empty(commit, viewer, state, event):
        """A whole table: its rows are gone.  A part of it: who shows rows reads them anew."""
        there = commit.after.visible(viewer) if not event.payload.get('table', '').endswith('s') else {}
        for key in [key for key in state if key[0] == event.type and key not in there]:
            del state[key]

    def judge_state(self, commit, viewer, event):
        states = [viewer.strip(event.type, row.payload) for row in (commit.states or {}).get(key_of(event), [])]
        if commit.states is not None and viewer.strip(event.type, event.payload) not in states:
            self.accuse('state', commit, f'{key_of(event)} {event.action} {event.payload} is no state that it went through: {states}')


def fold(state, viewer, event):
    """What somebody who shows rows does with an event."""
    if event.action in ('deleted', 'moved_out'):
        state.pop(key_of(event), None)
    else:
        state[key_of(event)] = viewer.strip(event.type, event.payload)
