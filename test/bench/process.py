"""process: start programs as an unprivileged user; read what they cost from /proc."""
import os
import pwd
import resource
import subprocess
import sys
import time


def say(text):
    print(text, flush=True)


class User:
    """Whose everything is.  PostgreSQL refuses root, so root becomes another."""

    def __init__(self, work=None):
        self.work = work
        self.drop = []
        self.name = pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            self.name = next(name for name in ('postgres', 'nobody') if _known(name))
            entry = pwd.getpwnam(self.name)
            self.drop = ['setpriv', f'--reuid={entry.pw_uid}', f'--regid={entry.pw_gid}', '--clear-groups']

    def environment(self, extra=None):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('PG') and name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')}
        environment.update(HOME=self.work, USER=self.name, LOGNAME=self.name,
                           TMPDIR=f'{self.work}/tmp', LC_ALL='C.UTF-8')
        environment.update(extra or {})
        return environment

    def run(self, command, log=None, env=None, **options):
        """Run to its end; what it prints goes to a log, shown if it fails."""
        result = subprocess.run(self.drop + list(command), env=self.environment(env), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT if log else subprocess.PIPE, **options)
        if log:
            with open(log, 'a') as file:
                file.write(result.stdout)
        if result.returncode != 0:
            said = (result.stdout or '') + (result.stderr or '')
            sys.stderr.write('\n'.join(line[:300] for line in said.splitlines()[-20:]) + '\n')
            raise SystemExit(f'bench: {" ".join(command)[:200]} failed')
        return result.stdout

    def start(self, command, log, env=None, **options):
        """Start in the background; standard error goes to a log."""
        with open(log, 'ab') as file:
            return subprocess.Popen(self.drop + list(command), env=self.environment(env),
                                    stderr=file, **options)


def _known(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


def raise_file_limit(wanted):
    """Allow many connections per process; returns how many files there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            return limit[0]
        except (ValueError, OSError):
            continue
    return soft


def cpu_seconds(pids):
    """What these processes used, all threads, user and system."""
    total = 0
    for pid in pids:
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/schedstat') as file:
                total += int(file.read().split()[0])
    return total / 1e9


def settle(pids, limit=60):
    """Wait until these processes have nothing more to do."""
    until = time.monotonic() + limit
    before = cpu_seconds(pids)
    while time.monotonic() < until:
        time.sleep(0.2)
        now = cpu_seconds(pids)
        if now - before < 0.02:
            return
        before = now


def resident_bytes(pids):
    total = 0
    for pid in pids:
        with open(f'/proc/{pid}/status') as file:
            for line in file:
                if line.startswith('VmRSS:'):
                    total += int(line.split()[1]) * 1024
    return total


def processes():
    """pid -> (name, parent) of every process."""
    found = {}
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            with open(f'/proc/{entry}/stat') as file:
                text = file.read()
        except OSError:
            continue
        name = text[text.index('(') + 1:text.rindex(')')]
        found[int(entry)] = (name, int(text[text.rindex(')') + 2:].split()[1]))
    return found


def command_line(pid):
    """Empty if the process has ended."""
    try:
        with open(f'/proc/{pid}/cmdline') as file:
            return file.read()
    except OSError:
        return ''
