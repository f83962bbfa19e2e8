"""meter: CPU that a cluster takes, process by process; what the scheduler counted, in nanoseconds."""
import os
import time

from process import command_line, cpu_seconds, processes

# By what the process's title or name has; others are sessions.
KINDS = {'checkpointer': 'checkpointer', 'background writer': 'background writer', 'walwriter': 'walwriter',
         'dispatcher': 'bugevents dispatcher', 'projector': 'bugevents projector', 'responders': 'bugevents responder', 'lookup': 'bugevents lookup',
         'courier': 'bugevents courier', 'gateway': 'bugevents-gateway', 'verifier': 'bugevents-verifier',
         'carrier': 'bugevents-carrier'}
SESSIONS = 'sessions'
READERS = "readers' sessions"


def ended_seconds(pid):
    """CPU of this process's children that have ended."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rpartition(')')[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf('SC_CLK_TCK')


def kind_of(pid):
    title = command_line(pid)
    return next((kind for kind, name in KINDS.items() if name in title), SESSIONS)


class Meter:
    """What happens between start() and stop() in a cluster's processes, and in others: name -> pid.

    Sessions are those that come and end meanwhile; what is there before reads what they write.
    """

    def __init__(self, cluster):
        self.postmaster = cluster.postmaster()

    def alive(self):
        """Its children, and what these started."""
        known = processes()
        children = {pid for pid, (_, parent) in known.items() if parent == self.postmaster}
        return children | {pid for pid, (_, parent) in known.items() if parent in children}

    def start(self, others):
        self.others = others
        self.kinds = {pid: kind_of(pid).replace(SESSIONS, READERS) for pid in self.alive()}
        self.kinds |= {pid: name for name, pid in others.items()}
        self.last = {}
        self.taken()
        self.before = dict(self.last)
        self.ended = ended_seconds(self.postmaster)

    def wait_sessions(self, limit=60):
        """Until those that came meanwhile have ended."""
        until = time.monotonic() + limit
        while any(kind_of(pid) == SESSIONS for pid in self.alive() - set(self.kinds)):
            if time.monotonic() > until:
                raise SystemExit('bench: sessions do not end')
            time.sleep(0.02)

    def settle(self, limit=900):
        """Until nothing is left to do: all of them take less than a hundredth of a core."""
        until = time.monotonic() + limit
        before = self.taken()
        while time.monotonic() < until:
            time.sleep(0.2)
            now = self.taken()
            if now - before < 0.002:
                return
            before = now
        raise SystemExit('bench: the processes do not come to rest')

    def taken(self):
        """What an ended one took last, its end isn't much more than."""
        for pid in self.kinds:
            try:
                self.last[pid] = cpu_seconds([pid])
            except OSError:
                self.last.setdefault(pid, 0)
        return sum(self.last.values())

    def stop(self):
        """When all is done that was begun."""
        self.wait_sessions()
        self.settle()
        return self.since()

    def since(self):
        """kind -> seconds, since the start."""
        used = {SESSIONS: ended_seconds(self.postmaster) - self.ended}
        self.taken()
        for pid, kind in self.kinds.items():
            used[kind] = used.get(kind, 0) + self.last[pid] - self.before[pid]
        return used
