"""check: were the promises kept?

Three witnesses, that don't know of one another: the ledger (which transactions
committed, what they saw and had to publish), the journal as the scribe copied it,
and what each client received.  The tables are the fourth.  A violation names the
promise and shows the shortest evidence there is.
"""
import bisect
import collections
import hashlib
import json
import pickle
import re

from writers import HOT, LOOKS_UP_EARLY

MARKS = {'project': 'name', 'comment': 'content', 'bug_report': 'title', 'user': 'phone', 'note': 'mark'}
TABLES = {'project': 'all_projects', 'comment': 'all_comments', 'bug_report': 'bug_reports', 'user': 'users'}
DERIVED = ('fence', 'notification')     # of events, or of the run itself
UNSIGNED = ('attached', 'truncated', 'reload')      # of a table, by nobody who signs
SHOWN = 5               # violations of a kind that are shown

PROMISES = {
    'whole': 'every committed transaction is in the journal, whole and in its order',
    'aborted': 'nothing of a transaction that was not committed is in the journal',
    'contiguous': 'the events of a transaction are contiguous',
    'causal': 'whatever a transaction could see comes before it',
    'versions': 'every change of a row follows on the one before, and the last is what the table holds',
    'lost': 'no client missed an event',
    'order': 'no client got an event twice or out of order',
    'phantom': 'no client saw an event that is not there any more',
    'audience': 'no client saw an event that was not for it',
    'content': 'everyone saw the same message for a seq, and it is the journal\'s',
    'resume': 'resume began where it was asked to, and resync_required was said only where it had to be',
    'load': 'tables read after ready hold all up to the seq of ready',
    'end': 'every client got to the end of the stream',
    'protocol': 'nothing was sent that the protocol forbids',
    'server': 'no process ended but by our hand, and none complained',
}

Event = collections.namedtuple('Event', 'seq xid type action audience payload changes')


def signature(event):
    ident = f'{event.type} {event.action} {event.payload.get("id")}'
    return ident if event.action == 'deleted' else f'{ident} {event.payload.get(MARKS.get(event.type))}'


def show(event):
    return f'seq {event.seq} xid {event.xid} {signature(event)[:80]}'


def sees(seen, xid):
    """Was the transaction over for this snapshot (as pg_current_snapshot prints it)?"""
    xmin, xmax, running = seen
    return xid < xmin or xid < xmax and xid not in running


def read_snapshot(text):
    xmin, xmax, running = text.split(':')
    return int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(',') if xid)


def principals_of(event):
    """Who may see it, from what it is; not from what bugevents wrote beside it."""
    if event.type == 'user':
        return {'admin', f'user:{event.payload["id"]}'} if event.action == 'updated' else {'admin'}
    if event.type == 'note':
        return set(event.payload['for'].split())
    if event.type == 'notification':
        return {f'user:{event.payload["user_id"]}'}
    if event.type == 'comment' and ' for ' in str(event.payload.get('content')):
        return {event.payload['content'].split(' for ')[1]}
    return {'all'}


class Checker:
    def __init__(self, truth_path, clients_paths, ledger, tables, fence):
        self.violations = []
        self.numbers = collections.Counter()
        with open(truth_path) as file:
            self.truth = [self.read_event(line) for line in file]
        self.by_seq = {event.seq: event for event in self.truth}
        self.ledger = ledger            # name -> (xid, seen, n, digest, list)
        self.tables = tables            # type -> {id: row}
        self.fence = fence              # its seq
        self.unsaid = set()             # xids of which nobody says what they publish
        self.early = {xid for name, (xid, *_) in ledger.items() if name.endswith(LOOKS_UP_EARLY)}
        self.groups = []
        for path in clients_paths:
            with open(f'{path}.clients', 'rb') as file:
                self.groups.append((path, pickle.load(file)))
        self.visible = {}               # (user, role, projects) -> ascending seqs

    @staticmethod
    def read_event(line):
        seq, xid, kind, action, audience, payload, changes = json.loads(line)
        # What jsonb refuses events() leaves out.
        return Event(seq, xid, kind, action, audience, json.loads(payload or '{}'), json.loads(changes) if changes else None)

    def accuse(self, promise, evidence):
        self.violations.append((promise, evidence))

    def check(self):
        self.check_transactions()
        self.check_order()
        self.check_causality()
        self.check_versions()
        for path, group in self.groups:
            self.violations += group['accusations']
            self.check_content(f'{path}.events', group['sums'])
            for client in group['clients']:
                self.check_client(*client)
        self.numbers['events'] = len(self.truth)
        self.numbers['notifications'] = sum(event.type == 'notification' for event in self.truth)
        return self.violations

    # Ledger against journal

    def check_transactions(self):
        found = collections.defaultdict(list)
        for event in self.truth:
            if event.type not in DERIVED and event.action not in UNSIGNED:
                found[event.xid].append(event)
        committed = {}
        for name, (xid, _, n, digest, text) in self.ledger.items():
            committed[xid] = name
            if n < 0:
                self.unsaid.add(xid)
                continue
            events = found.get(xid, [])
            signatures = [signature(event) for event in events]
            if hashlib.md5('\n'.join(signatures).encode()).hexdigest() != digest and (n or signatures):
                self.accuse('whole', self.compare(name, xid, n, text, signatures, events))
        for xid, events in found.items():
            if xid not in committed:
                self.accuse('aborted', f'the journal has {len(events)} events of xid {xid}, which did not commit: '
                            + '; '.join(show(event) for event in events[:3]))
        self.numbers['transactions'] = len(found)

    @staticmethod
    def compare(name, xid, n, text, signatures, events):
        where = f'seqs {events[0].seq} to {events[-1].seq}' if events else 'nowhere'
        said = f'{name} (xid {xid}) committed {n} events; the journal has {len(signatures)} of it ({where})'
        if text is None:
            return said
        wanted = text.split('\n') if text else []
        for i in range(max(len(wanted), len(signatures))):
            if wanted[i:i + 1] != signatures[i:i + 1]:
                return f'{said}; event {i + 1} should be {wanted[i:i + 1]} and is {signatures[i:i + 1]}'
        return said

    def check_order(self):
        done = set()
        last = None
        self.place = {}                 # seq -> (n, of)
        sizes = collections.Counter(event.xid for event in self.truth)
        n = 0
        for event in self.truth:
            if last is None or event.xid != last.xid:
                if event.xid in done:
                    self.accuse('contiguous', f'xid {event.xid} goes on at seq {event.seq} after {show(last)}')
                done.add(event.xid)
                n = 0
            elif event.seq != last.seq + 1:
                self.accuse('contiguous', f'within xid {event.xid} seq {event.seq} follows {last.seq}')
            n += 1
            self.place[event.seq] = (n, sizes[event.xid])
            last = event

    def check_causality(self):
        """Nothing that comes later in the stream may have been seen."""
        seen = {xid: read_snapshot(text) for xid, text, *_ in self.ledger.values()}
        order = list(dict.fromkeys(event.xid for event in self.truth if event.xid in seen))
        later = []                      # ascending -xid of what comes later
        for xid in reversed(order):
            snapshot = seen[xid]
            i = bisect.bisect_right(later, -snapshot[1])
            for other in later[i:]:
                self.numbers['pairs looked at'] += 1
                if sees(snapshot, -other):
                    self.accuse('causal', f'xid {xid} saw xid {-other}, but comes before it: '
                                f'{self.first_of(xid)}; {self.first_of(-other)}; it saw {snapshot[0]}:{snapshot[1]}')
                    break
            bisect.insort(later, -xid)
        self.numbers['snapshots'] = len(order)

    def first_of(self, xid):
        return show(next(event for event in self.truth if event.xid == xid))

    # Journal against tables

    def check_versions(self):
        rows = {kind: {} for kind in TABLES}
        for event in self.truth:
            if event.type not in rows or event.action in UNSIGNED or event.xid in self.unsaid:
                continue
            self.count_kind(event)
            state = rows[event.type]
            ident = event.payload['id']
            before = state.get(ident)
            if event.action == 'updated':
                for field, (old, _) in event.changes.items():
                    if before is None or before.get(field) != old:
                        self.accuse('versions', f'{show(event)}: {field} was {old!r}, but the event before left '
                                    f'{before and before.get(field)!r}')
            elif event.action == 'created' and before is not None:
                self.accuse('versions', f'{show(event)}: created twice')
            elif event.action == 'deleted' and before is None:
                self.accuse('versions', f'{show(event)}: deleted, but not there')
            elif event.action == 'deleted' and event.payload != before:
                self.accuse('versions', f'{show(event)}: deleted as {event.payload}, but it was {before}'[:400])
            if event.action == 'deleted':
                state.pop(ident, None)
            else:
                state[ident] = event.payload
            self.check_seen(event, rows['project'])
        for kind, state in rows.items():
            self.compare_table(kind, state)

    def count_kind(self, event):
        if event.type == 'comment' and event.action == 'updated' and str(event.payload['content']).endswith('!'):
            self.numbers['written by triggers'] += 1
        elif self.principals_of(event) != {'all'} and event.type == 'comment':
            self.numbers['confined elsewhere'] += 1
        elif event.type == 'project' and HOT < event.payload['id'] <= 2 * HOT:
            self.numbers['moves'] += 1

    def check_seen(self, event, projects):
        if event.type != 'comment' or event.action != 'created':
            return
        found = re.fullmatch(r'\S+ saw (\d+) (\d+)', str(event.payload.get('content')))
        if found:
            self.numbers['read-then-write'] += 1
            ident, version = map(int, found.groups())
            if int(projects[ident]['description']) < version:
                self.accuse('causal', f'{show(event)}: but until then project {ident} was at version '
                            f'{projects[ident]["description"]}')

    def compare_table(self, kind, state):
        table = self.tables[kind]
        for ident in sorted(table.keys() ^ state.keys())[:SHOWN]:
            self.accuse('versions', f'{kind} {ident} is in ' +
                        ('the table, but not' if ident in table else 'the stream, but not') + ' in the other')
        for ident in table.keys() & state.keys():
            for field, value in table[ident].items():
                if field in state[ident] and not field.endswith('_at') and state[ident][field] != value:
                    self.accuse('versions', f'{kind} {ident}: {field} is {str(value)[:80]!r} in the table, '
                                f'{str(state[ident][field])[:80]!r} in the stream')
                    break

    # Clients against journal

    def check_content(self, path, sums):
        with open(path, 'rb') as file:
            for line in file:
                message = json.loads(line)
                event = self.by_seq.get(message['seq'])
                if event is None or not event.payload:
                    continue            # a phantom: shown with the client that saw it; or not known
                n, of = self.place[event.seq]
                wanted = (event.type, event.action, {'id': str(event.xid), 'n': n, 'of': of}, event.payload,
                          event.changes)
                got = (message['type'], message['action'], message['tx'], message['payload'], message.get('changes'))
                if wanted != got:
                    self.accuse('content', f'seq {event.seq}: the client got {str(got)[:300]}, '
                                f'the journal has {str(wanted)[:300]}')
        self.numbers['messages compared'] += len(sums)

    def visible_to(self, user, role, projects):
        key = (user, role, tuple(projects))
        if key not in self.visible:
            mine = {'all', f'user:{user}'} | {f'project:{project}' for project in projects}
            mine |= {'admin'} if role == 'admin' else set()
            self.visible[key] = [event.seq for event in self.truth if mine & self.principals_of(event)]
        return self.visible[key]

    def principals_of(self, event):
        """Only of what tells to read again, and of whether it was too early to tell, bugevents is believed."""
        if event.action == 'reload':
            return set(event.audience.split())
        if event.xid in self.early and event.type == 'comment' and event.audience == 'admin':
            self.numbers['for admins early'] += 1
            return {'admin'}
        return principals_of(event)

    def check_client(self, name, kind, user, role, projects, records):
        visible = self.visible_to(user, role, projects)
        for i, record in enumerate(records):
            what = f'client {name} ({kind}), connection {i + 1} of {len(records)}'
            self.check_beginning(what, record)
            self.check_run(what, visible, record)
            self.numbers['deliveries'] += len(record.seqs)
        last = records[-1] if records else None
        # Whom resync_required took behind the fence is there, too; what is behind it may be for others.
        if not (last and last.position >= self.fence):
            self.accuse('end', f'client {name} ({kind}) did not get to the end of the stream; its last connection: ' +
                        (f'since {last.since}, ready {last.ready["seq"]}, {len(last.seqs)} events to {last.position}, '
                         f'{last.end}; the fence is at {self.fence}' if last else 'none'))

    def check_beginning(self, what, record):
        ready, since = record.ready, record.since
        if ready['resumed'] and (since is None or ready['seq'] != since):
            self.accuse('resume', f'{what}: resumed at {ready["seq"]}, asked for {since}')
        if not ready['resumed'] and since is not None and not record.resyncs and record.seqs:
            self.accuse('resume', f'{what}: since {since} became {ready["seq"]} without resync_required')
        position = ready['seq'] if ready['resumed'] or since is None else since
        for count, payload in record.resyncs:
            at = max(position, record.seqs[count - 1]) if count and position is not None else position
            if at is None or at >= payload['oldest'] and at <= payload['seq']:
                self.accuse('resume', f'{what}: resync_required at {at}, but the history goes back to '
                            f'{payload["oldest"]} and on to {payload["seq"]}')
            if at is not None and at > payload['seq']:
                self.numbers['resync because ahead'] += 1
            position = payload['seq']
        self.check_tables(what, record)

    def check_tables(self, what, record):
        if not record.tables:
            return
        self.numbers['tables read after ready'] += 1
        for ident, seqs in self.hot_rows().items():
            before = bisect.bisect_right(seqs, record.ready['seq'])
            version = int(self.by_seq[seqs[before - 1]].payload['description']) if before else 0
            if record.tables[ident] < version:
                self.accuse('load', f'{what}: ready said {record.ready["seq"]}, where project {ident} is at version '
                            f'{version}, but the table read then had {record.tables[ident]}')

    def hot_rows(self):
        if not hasattr(self, '_hot_rows'):
            self._hot_rows = collections.defaultdict(list)
            for event in self.truth:
                if event.type == 'project' and event.xid not in self.unsaid and event.payload.get('id', HOT + 1) <= HOT:
                    self._hot_rows[event.payload['id']].append(event.seq)
        return self._hot_rows

    def check_run(self, what, visible, record):
        """What came is what was to be seen, from where it began to where it ended."""
        start = record.ready['seq']
        begin = 0
        for count, payload in record.resyncs + [(len(record.seqs), {'seq': None})]:
            got = record.seqs[begin:count]
            i = bisect.bisect_right(visible, start)
            if visible[i:i + len(got)] != list(got):
                self.blame(what, visible, start, got)
            begin, start = count, payload['seq']

    def blame(self, what, visible, start, got):
        """The first difference, with the few events around it."""
        i = bisect.bisect_right(visible, start)
        for j, seq in enumerate(got):
            wanted = visible[i + j] if i + j < len(visible) else None
            if seq == wanted:
                continue
            around = (f'; it got {list(got[max(0, j - 2):j])}, then {list(got[j:j + 3])}; to be seen were '
                      f'{visible[max(i, i + j - 2):i + j]}, then {visible[i + j:i + j + 3]}')
            if seq not in self.by_seq:
                self.accuse('phantom', f'{what}: seq {seq} is not in the journal{around}')
            elif wanted is not None and seq > wanted:
                self.accuse('lost', f'{what}, begun at {start}: missed {show(self.by_seq[wanted])}{around}')
            elif seq in visible[bisect.bisect_left(visible, seq):][:1]:
                self.accuse('order', f'{what}: seq {seq} again or too late{around}')
            else:
                self.accuse('audience', f'{what}: {show(self.by_seq[seq])} is for '
                            f'{sorted(self.principals_of(self.by_seq[seq]))}{around}')
            return


def complaints(log, begin):
    """Lines of the server's log, from there on, that nothing that we did explains."""
    found = []
    strange = re.compile(
        r'PANIC:|TRAP:|is damaged|broke the protocol|AddressSanitizer|LeakSanitizer|runtime error|out of memory'
        r'|can\'t be understood|terminated by signal (?!9\b|15\b)\d|ended: terminated by signal (?!9\b|15\b)\d'
        r'|bugevents dispatcher (ERROR|FATAL):|ended: exited with exit code [1-9]')
    ours = re.compile(r'terminating background worker "bugevents dispatcher" due to administrator command'
                      r'|terminating connection due to administrator command|bugevents dispatcher FATAL:  the database system')
    with open(log, errors='replace') as file:
        file.seek(begin)
        for line in file:
            if strange.search(line) and not ours.search(line):
                found.append(line.rstrip()[:400])
    return found
