"""report: collects the figures, prints the table, writes the JSON."""
import json
import os
import platform
import statistics
import subprocess
import time

UNITS = {'us': '{:,.3g} us', 'ms': '{:,.3f} ms', 's': '{:,.2f} s', 'tps': '{:,.0f}/s', 'rate': '{:,.0f}/s',
         'kB': '{:,.2f} kB', 'count': '{:,.0f}', 'percent': '{:,.3f} %'}


class Report:
    """Figures by (part, case, measure): of each server the values of all rounds."""

    def __init__(self):
        self.figures = {}
        self.notes = []
        self.began = time.strftime('%Y-%m-%d %H:%M:%S %Z')

    def add(self, part, case, measure, unit, server, value, base=None):
        """base names the server that the others are put in proportion to."""
        figure = self.figures.setdefault((part, case, measure), {'unit': unit, 'base': base, 'values': {}})
        figure['values'].setdefault(server, []).append(value)

    def note(self, part, text):
        if (part, text) not in self.notes:
            self.notes.append((part, text))
            print(f'    note: {text}', flush=True)

    def rows(self):
        for (part, case, measure), figure in self.figures.items():
            medians = {server: statistics.median(values) for server, values in figure['values'].items()}
            base = medians.get(figure['base'])
            for server, median in medians.items():
                yield {'part': part, 'case': case, 'measure': measure, 'server': server, 'unit': figure['unit'],
                       'median': median, 'rounds': figure['values'][server], 'base': figure['base'],
                       'ratio': median / base if base else None}

    def print(self, parts=None):
        header = ('part', 'case', 'measure', 'server', 'median', 'min .. max', 'ratio')
        lines = [header]
        for row in self.rows():
            if parts and row['part'] not in parts:
                continue
            form = UNITS[row['unit']].format
            low, high = min(row['rounds']), max(row['rounds'])
            spread = f'{form(low)} .. {form(high)}' if len(row['rounds']) > 1 else ''
            ratio = '' if row['ratio'] is None or row['ratio'] < 0 else f'{row["ratio"]:.2f} of {row["base"]}'
            lines.append((row['part'], row['case'], row['measure'], row['server'], form(row['median']), spread, ratio))
        widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
        for number, line in enumerate(lines):
            print('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |')
            if number == 0:
                print('|' + '|'.join('-' * (width + 2) for width in widths) + '|')
        for part, text in self.notes:
            if not parts or part in parts:
                print(f'* {part}: {text}')

    def write(self, path, machine):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            json.dump({'began': self.began, 'machine': machine, 'figures': list(self.rows()),
                       'notes': [{'part': part, 'text': text} for part, text in self.notes]}, file, indent=1)
            file.write('\n')


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()
    except OSError:
        return 'none'


def package_version(name):
    return output('dpkg-query', '-W', '-f', '${Version}', name) or 'none'


def describe_machine(cluster):
    """What a figure depends on."""
    model = 'unknown processor'
    with open('/proc/cpuinfo') as file:
        for line in file:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/meminfo') as file:
        memory = int(file.readline().split()[1]) // 1024 // 1024
    system = output('sh', '-c', '. /etc/os-release; echo "$PRETTY_NAME"')
    return {
        'processor': f'{os.cpu_count()} x {model}',
        'memory': f'{memory} GB',
        'system': f'{system}, Linux {platform.release().split("-")[0]}',
        'postgresql': output(f'{cluster.bin}/postgres', '--version').split(')')[1].split('(')[0].strip(),
        'libwebsockets': package_version('libwebsockets-dev'),
        'node': output('node', '--version'),
        'python': platform.python_version(),
        'fastapi': package_version('python3-fastapi'),
        'uvicorn': package_version('python3-uvicorn'),
        'websockets': package_version('python3-websockets'),
        'asyncpg': package_version('python3-asyncpg'),
        'load before': ' '.join(f'{value:.2f}' for value in os.getloadavg()),
    }
