"""hotspots: where the time of the commit path goes, in instructions.

A session alone (postgres --single) under callgrind: no other process takes part,
so the counts are the same each time and on each machine.  Counted are execution
and commit (parsing and planning are what prepared statements save), and of those
the difference between two runs, so what a start costs is not in it.
"""
import re
import shutil
import subprocess

from commit import LABELS, VARIANTS
from process import say

FEW, MANY = 200, 1200
SHOWN = 45


def statements(count):
    return ''.join(f"UPDATE bug_reports SET title = 'The list jumps to its top {n}', updated_at = now()"
                   f' WHERE id = {n + 1};\n' for n in range(count))


def run(cluster, design, count):
    """Instructions of a session that commits so many updates."""
    out = f'{cluster.work}/tmp/callgrind.{design}.{count}'
    result = subprocess.run(
        cluster.user.drop + ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out}',
                             '--toggle-collect=PortalRun', '--toggle-collect=CommitTransactionCommand',
                             f'{cluster.bin}/postgres', '--single', '-D', cluster.data,
                             '-c', 'synchronous_commit=off', design],
        input=statements(count), capture_output=True, text=True, env=cluster.user.environment())
    found = re.search(r'Collected : (\d+)', result.stderr)
    if not found or 'ERROR' in result.stderr:
        raise SystemExit(f'bench: {design} alone: {result.stderr[-600:]}')
    return int(found.group(1)), out


def annotate(cluster, out, inclusive):
    """Function -> instructions."""
    text = cluster.user.run(['callgrind_annotate', f'--inclusive={"yes" if inclusive else "no"}',
                             '--threshold=100', out])
    counts = {}
    for line in text.splitlines():
        found = re.match(r'\s*([\d,]+) \([^)]*\)\s+\S*?:(\S+)(.*)', line)
        if found:
            library = re.search(r'\[.*/([^/\]]+)\]', found.group(3))
            name = f'{found.group(2)} ({library.group(1) if library else "?"})'
            counts[name] = counts.get(name, 0) + int(found.group(1).replace(',', ''))
    return counts


def per_update(cluster, few, many, inclusive):
    before, after = annotate(cluster, few, inclusive), annotate(cluster, many, inclusive)
    return {name: (count - before.get(name, 0)) / (MANY - FEW) for name, count in after.items()}


def measure(cluster, report, rounds, quick):
    if not shutil.which('valgrind'):
        report.note('hotspots', 'valgrind is not installed (apt install valgrind)')
        return
    cluster.stop('fast')
    try:
        outs = {}
        for design in VARIANTS:
            few, few_out = run(cluster, design, FEW)
            many, many_out = run(cluster, design, MANY)
            outs[design] = few_out, many_out
            report.add('hotspots', 'UPDATE', 'instructions', 'count', LABELS[design], (many - few) / (MANY - FEW),
                       base='no trigger')
            say(f'    {LABELS[design]}: {(many - few) / (MANY - FEW):,.0f} instructions for each transaction')
        show(cluster, outs)
    finally:
        cluster.control('start')
        cluster.running = True


def show(cluster, outs):
    for inclusive in (True, False):
        ours = per_update(cluster, *outs['bugevents'], inclusive)
        bare = per_update(cluster, *outs['bare'], inclusive)
        more = {name: count - bare.get(name, 0) for name, count in ours.items()}
        say(f'\n    more than without a trigger, {"with" if inclusive else "without"} what is called:')
        # What is all of it is the way down from main.
        most = max(more.values())
        rest = [item for item in more.items() if not inclusive or item[1] < most]
        for name, count in sorted(rest, key=lambda item: -item[1])[:SHOWN]:
            say(f'    {count:10,.0f}  {name}')
