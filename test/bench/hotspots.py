"""hotspots: where the time of the commit path goes, in instructions (instructions.py says how they are counted)."""
import re
import shutil

from instructions import SHAPES, alone, compare
from process import say

CASE = 'UPDATE of one row, each'
SHOWN = 45


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


def per_update(cluster, less, more, inclusive):
    _, few, many = SHAPES[CASE]
    before, after = annotate(cluster, less, inclusive), annotate(cluster, more, inclusive)
    return {name: (count - before.get(name, 0)) / (many - few) for name, count in after.items()}


def measure(cluster, report, rounds, quick):
    if not shutil.which('valgrind'):
        report.note('hotspots', 'valgrind is not installed (apt install valgrind)')
        return
    alone(cluster, lambda: show(cluster, compare(cluster, report, CASE, ('bare', 'bugevents'))))


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
