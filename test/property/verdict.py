"""verdict: what a transaction published, against what the tables were and are.

Whoever looks must be told exactly what leads from what it could SELECT before to what it can
SELECT behind the transaction: each row once, in one group, ordered by the rows' first changes.
A transaction that redefined or emptied tables may tell it in pieces, each from one state that the
row went through to the next.
"""
import collections

from change import Message, changes_between

# events: what bugevents.events() says of it; touched: keys of rows; first, actors, states and rekeyed:
# what is known from a trail; may_lose: rows may be gone that nobody can name; together: they are several
Commit = collections.namedtuple(
    'Commit', 'transaction before after events touched pieces first actors states rekeyed may_lose together',
    defaults=(None, None, None, frozenset(), False, False))
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
    for event in filter(is_row, events):
        told[key_of(event)].append(message_of(event, viewer))
    return told


def message_of(event, viewer):
    payload, changes = viewer.strip(event.type, event.payload), viewer.strip(event.type, event.changes)
    if event.action == 'moved_out':
        payload = {'id': payload['id']}
    if says_its_other_key(event):
        changes = None
    return Message(event.action, payload, changes)


def says_its_other_key(event):
    """A row that took another key is deleted under the old one and created under the new one, each with both."""
    at = {'deleted': 0, 'created': 1}.get(event.action)
    return at is not None and set(event.changes or ()) == {'id'} and event.changes['id'][at] == event.payload['id']


def fold(state, viewer, event):
    """What somebody who shows rows does with an event."""
    if event.action in ('deleted', 'moved_out'):
        state.pop(key_of(event), None)
    else:
        state[key_of(event)] = viewer.strip(event.type, event.payload)


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
    return ', '.join(f'{message.action} {message.payload}' + (f' changes {message.changes}' if message.changes else '')
                     for message in messages) or 'nothing'


class Verdict:
    def __init__(self, viewers, quiet, settled):
        self.viewers = viewers
        self.settled = settled      # entities whose rows are for everyone, and only their columns say what they are
        self.quiet = quiet          # entity -> fields whose change alone publishes nothing
        self.complaints = []

    def accuse(self, kind, transaction, text):
        self.complaints.append(Complaint(kind, transaction, text))

    def judge(self, commit):
        """The complete stream, through the eyes of each viewer."""
        before = len(self.complaints)
        self.judge_transaction(commit)
        for viewer in self.viewers:
            if len(self.complaints) == before:
                seen = [event for event in commit.events if viewer.receives(event.audience)]
                (self.judge_pieces if commit.pieces else self.judge_viewer)(commit, viewer, seen)

    def judge_viewer(self, commit, viewer, seen):
        due = {}
        for change in changes_between(commit.before, commit.after, commit.touched, self.quiet):
            messages = change.messages(viewer)
            if messages:
                due[change.entity, change.key] = messages
        for kind, key, said, wanted in differences(group(seen, viewer), due):
            self.accuse(kind, commit.transaction, f'{" ".join(map(str, key))}, seen by {viewer}:\n'
                        f'  told   {show(said)}\n  SELECT {show(wanted)}')

    # What doesn't depend on who looks

    def judge_transaction(self, commit):
        if len({event.xid for event in commit.events}) > 1 and not commit.together:
            self.accuse('aborted', commit.transaction, 'there are events of more than the transaction that was committed:'
                        f' {[(event.xid, event.action, key_of(event)) for event in commit.events]}')
        if not commit.pieces:
            self.judge_groups(commit)
            self.judge_order(commit)
            self.judge_actors(commit)

    def judge_groups(self, commit):
        order = [key_of(event) for event in commit.events if is_row(event)]
        runs = [key for i, key in enumerate(order) if i == 0 or order[i - 1] != key]
        key, times = max(collections.Counter(runs).items(), key=lambda item: item[1], default=(None, 1))
        if times > 1:
            self.accuse('groups', commit.transaction, f'{key} has {times} groups of events: '
                        f'{[(event.action, key_of(event)) for event in commit.events]}')

    def judge_order(self, commit):
        """By each row's first change, as far as it is known: by the statement that made it.

        What a row that took another key did before it had it is not known, nor the place of one that
        is published for what it looks up.
        """
        if commit.first is None:
            return
        places = [(commit.first[self.first_key(event)], event) for event in commit.events
                  if event.type not in commit.rekeyed and self.first_key(event) in commit.first]
        for (one, event), (other, following) in zip(places, places[1:]):
            if one > other:
                self.accuse('order', commit.transaction,
                            f'{key_of(event)} {event.action} was changed first by statement {one}, but comes'
                            f' before {key_of(following)} {following.action} of statement {other}')
                return

    @staticmethod
    def first_key(event):
        return ('note', event.payload['mark']) if event.type == 'note' else key_of(event)

    def judge_actors(self, commit):
        """Who made the last change of each row."""
        if commit.actors is None:
            return
        for event in commit.events:
            actor = commit.actors.get(key_of(event), event.actor)
            if event.actor != actor and event.type not in commit.rekeyed:
                self.accuse('actor', commit.transaction,
                            f'{key_of(event)} {event.action} is said to be of {event.actor}, not {actor}')
                return

    # In pieces

    def judge_pieces(self, commit, viewer, seen):
        """Do the events lead from what could be SELECTed before to what can be SELECTed now?"""
        state = commit.before.visible(viewer)
        if any(event.action == 'reload' and event.type in self.settled for event in seen) and not commit.may_lose:
            self.accuse('reload', commit.transaction, f'{viewer} is told to read again what could have been told')
        for event in seen:
            self.judge_state(commit, viewer, event)
            self.judge_right(commit, viewer, event)
            self.apply(commit, viewer, state, event)
        now = commit.after.visible(viewer)
        if self.was_silenced(commit, state, seen):
            self.accuse('truncated', commit.transaction,
                        f'{viewer} saw rows that are gone with a TRUNCATE, and was not told')
            return
        wrong = {key for key in (state.keys() | now.keys()) & commit.touched
                 if self.differ(key, state.get(key), now.get(key)) and self.is_judged(key, viewer)}
        for key in sorted(wrong, key=str)[:1]:
            told = [(event.action, event.payload) for event in seen if not is_row(event) or key_of(event) == key]
            self.accuse('pieces', commit.transaction, f'{key}, seen by {viewer}:\n  events lead to {state.get(key)}\n'
                        f'  SELECT says    {now.get(key)}\n  told {told}')

    @staticmethod
    def is_judged(key, viewer):
        """Users hear of some events of themselves only, which leads nowhere."""
        return key[0] != 'user' or viewer.is_admin

    @staticmethod
    def was_silenced(commit, state, seen):
        """Was a table emptied that the viewer shows rows of, for others' ears only?"""
        emptied, heard = ({event.type for event in events if event.action == 'truncated'}
                          for events in (commit.events, seen))
        return any(key[0] in emptied - heard for key in state)

    @staticmethod
    def apply(commit, viewer, state, event):
        """Of a table that is emptied the rows are gone; one that has to be is read anew."""
        if event.action in ('truncated', 'reload'):
            for key in [key for key in state if key[0] == event.type]:
                del state[key]
            if event.action == 'reload':
                state.update((key, row) for key, row in commit.after.visible(viewer).items() if key[0] == event.type)
        elif is_row(event):
            fold(state, viewer, event)

    def differ(self, key, shown, selected):
        """Quiet fields may lag."""
        quiet = self.quiet.get(key[0])
        if not quiet or not shown or not selected:
            return shown != selected
        return any(shown.get(field) != selected[field] for field in selected.keys() - quiet)

    def judge_right(self, commit, viewer, event):
        """Of what may yet become another, or others', nobody but admins is told but what it is before and behind."""
        if event.type in self.settled or viewer.is_admin or not is_row(event) or event.type == 'user':
            return
        if commit.together:
            return                  # there was a state between two transactions
        gone = event.action in ('deleted', 'moved_out')
        could = (commit.before if gone else commit.after).visible(viewer).get(key_of(event))
        if could is None or not gone and self.differ(key_of(event), viewer.strip(event.type, event.payload), could):
            self.accuse('leak', commit.transaction, f'{viewer} is told {event.action} {event.payload} of {key_of(event)}, but'
                        f' could only SELECT {could}')

    def judge_state(self, commit, viewer, event):
        """A piece ends with a state that was there behind some statement."""
        if commit.states is None or not is_row(event) or event.action in ('deleted', 'moved_out'):
            return
        states = [viewer.strip(event.type, row.payload) for row in commit.states.get(key_of(event), [])]
        if viewer.strip(event.type, event.payload) not in states:
            self.accuse('state', commit.transaction, f'{key_of(event)} {event.action} {event.payload}'
                        f' is no state that it went through: {states}')
