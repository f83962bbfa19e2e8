"""instructions: what a session executes for a transaction, and for a row of a large one.

A session alone (postgres --single) under callgrind: no other process takes part,
so the counts are the same each time and on each machine, however busy.  Counted are execution
and commit (parsing and planning are what prepared statements save), and of those
the difference between two runs, so what a start costs is not in it.
"""
import re
import shutil
import subprocess

from commit import LABELS
from process import say

ROW = "(title, description, creator_id, assignee_id, project_id) SELECT 'The list jumps to its top ' || n, " \
      "repeat('After a reload it is fine. ', 8), n % 50, n % 20, n % 10"


def updates(count):
    return ''.join(f"UPDATE bug_reports SET title = 'The list jumps to its top {n}', updated_at = now()"
                   f' WHERE id = {n + 1};\n' for n in range(count))


def update_of_many(count):
    return f"UPDATE bug_reports SET title = 'The list jumps to its top', updated_at = now() WHERE id <= {count};\n"


def insert_of_many(count):
    return f'INSERT INTO bulk {ROW} FROM generate_series(1, {count}) n;\n'


# case: what is executed for a count, and the two counts
SHAPES = {
    'UPDATE of one row, each': (updates, 200, 1200),
    'UPDATE of many rows, each row': (update_of_many, 1000, 9000),
    'INSERT of many rows, each row': (insert_of_many, 1000, 9000),
}


def run(cluster, design, shape, count):
    """Instructions of a session that does it, and where they are in detail."""
    out = f'{cluster.work}/tmp/callgrind.{design}.{shape.__name__}.{count}'
    result = subprocess.run(
        cluster.user.drop + ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out}',
                             '--toggle-collect=PortalRun', '--toggle-collect=CommitTransactionCommand',
                             f'{cluster.bin}/postgres', '--single', '-D', cluster.data,
                             '-c', 'synchronous_commit=off', design],
        input=shape(count), capture_output=True, text=True, env=cluster.user.environment())
    found = re.search(r'Collected : (\d+)', result.stderr)
    if not found or 'ERROR' in result.stderr:
        raise SystemExit(f'bench: {design} alone: {result.stderr[-600:]}')
    return int(found.group(1)), out


def compare(cluster, report, case, designs):
    """design: the details of its two runs."""
    shape, few, many = SHAPES[case]
    outs = {}
    for design in designs:
        less, less_out = run(cluster, design, shape, few)
        more, more_out = run(cluster, design, shape, many)
        each = (more - less) / (many - few)
        outs[design] = less_out, more_out
        report.add('instructions', case, 'instructions', 'count', LABELS[design], each, base='no trigger')
        say(f'    {case}, {LABELS[design]}: {each:,.0f}')
    return outs


def count(cluster, case, design):
    """Instructions of one."""
    shape, few, many = SHAPES[case]
    return (run(cluster, design, shape, many)[0] - run(cluster, design, shape, few)[0]) / (many - few)


def alone(cluster, work):
    """While nobody else uses the cluster."""
    cluster.stop('fast')
    try:
        return work()
    finally:
        cluster.control('start')
        cluster.running = True


def measure(cluster, report, rounds, quick):
    if not shutil.which('valgrind'):
        report.note('instructions', 'valgrind is not installed (apt install valgrind)')
        return
    cases = list(SHAPES)[:1] if quick else SHAPES
    designs = ('bare', 'empty', 'bugevents', 'notify', 'outbox')
    alone(cluster, lambda: [compare(cluster, report, case, designs) for case in cases])
