#!/usr/bin/python3
"""META.json against the PGXN Meta Spec 1.0.0 (a table of its rules), and against the rest of the tree.  TAP.

Each rule is shown to bite: a META.json with one fault is complained of.
"""
import copy
import json
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..')
VERSION = r'(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?'
RANGE = r'(==|!=|>=|>|<=|<)?\s*%s' % VERSION
TERM = r'[^\s/\\\x00-\x1f\x7f.][^\s/\\\x00-\x1f\x7f]+'
LICENSES = ('agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1 '
            'lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted '
            'unrestricted unknown').split()
URL = r'[a-z][a-z0-9+.-]*://[^\s]+'


# A check takes a value and returns what is wrong with it, or nothing.
def text(pattern='.+'):
    return lambda v: None if isinstance(v, str) and re.fullmatch(pattern, v, re.DOTALL) else f'{v!r} is none'


def one_of(*values):
    return lambda v: None if v in values else f'{v!r} is none'


def either(*checks):
    return lambda v: None if any(check(v) is None for check in checks) else f'{v!r} is none'


def array(check):
    return lambda v: next((w for w in map(check, v) if w), None) if isinstance(v, list) and v else f'{v!r} is no list'


def table(required=None, optional=None, names=None, others=None):
    """An object with these members; others: for the members that are not named, whose names match."""
    required, optional = required or {}, optional or {}

    def check(v):
        if not isinstance(v, dict) or not v:
            return f'{v!r} is no object'
        for name in required:
            if name not in v:
                return f'no {name}'
        for name, value in v.items():
            if name.lower().startswith('x_'):
                continue
            rule = required.get(name) or optional.get(name) or (others if not names or re.fullmatch(names, name) else None)
            if rule is None:
                return f'{name} is unknown'
            wrong = rule(value)
            if wrong:
                return f'{name}: {wrong}'
        return None
    return check


def version_range(v):
    if v == 0 or v == '0':
        return None
    return None if isinstance(v, str) and all(re.fullmatch(RANGE, part.strip()) for part in v.split(',')) else f'{v!r} is no range'


relations = table(optional={name: table(names=TERM, others=version_range) for name in ('requires', 'recommends', 'suggests', 'conflicts')})
RULES = table(
    required={
        'name': text(TERM), 'version': text(VERSION), 'abstract': text(), 'maintainer': either(text(), array(text())),
        'license': either(one_of(*LICENSES), array(one_of(*LICENSES)), table(names='.+', others=text(URL))),
        'provides': table(names=TERM, others=table(required={'file': text(), 'version': text(VERSION)},
                                                   optional={'abstract': text(), 'docfile': text()})),
        'meta-spec': table(required={'version': text(r'1\.0\.\d+')}, optional={'url': text(URL)}),
    },
    optional={
        'description': text(), 'generated_by': text(), 'tags': array(text(r'[^/\\\x00-\x1f\x7f]{1,255}')),
        'release_status': one_of('stable', 'testing', 'unstable'),
        'no_index': table(optional={'file': array(text()), 'directory': array(text())}),
        'prereqs': table(optional={phase: relations for phase in ('configure', 'build', 'test', 'runtime', 'develop')}),
        'resources': table(optional={'homepage': text(URL),
                                     'bugtracker': table(optional={'web': text(URL), 'mailto': text('.+@.+')}),
                                     'repository': table(optional={'url': text(URL), 'web': text(URL), 'type': text('[a-z]+')})}),
    })

count = failed = 0


def ok(good, name, detail=None):
    global count, failed
    count += 1
    failed += not good
    print(f'{"ok" if good else "not ok"} {count} - {name}')
    if not good and detail:
        print(f'# {detail}')


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def changed(meta, path, value):
    """A copy in which the member at the path is another; None: it is not there."""
    meta = copy.deepcopy(meta)
    at = meta
    for name in path[:-1]:
        at = at[name]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return meta


meta = json.loads(read('META.json'))
ok(RULES(meta) is None, 'META.json follows the specification', RULES(meta))
for path, value in [(('name',), None), (('name',), 'a name'), (('version',), None), (('version',), '0.2'), (('version',), '00.1.2'),
                    (('abstract',), None), (('abstract',), ''), (('maintainer',), None), (('maintainer',), []), (('license',), None),
                    (('license',), 'mine'), (('provides',), None), (('provides',), {}), (('provides', 'bugevents', 'file'), None),
                    (('provides', 'bugevents', 'version'), '1'), (('meta-spec',), None), (('meta-spec', 'version'), '2.0.0'),
                    (('release_status',), 'new'), (('tags',), ['a/b']), (('prereqs', 'runtime', 'requires', 'PostgreSQL'), '15'),
                    (('prereqs', 'runtime', 'needs'), {}), (('homepage',), 'x'), (('description',), 1)]:
    ok(RULES(changed(meta, path, value)), f'{".".join(path)} {"missing" if value is None else repr(value)} is a fault')

version = re.search(r"^default_version *= *'(.*)'", read('bugevents.control'), re.MULTILINE).group(1)
ok(meta['version'] == version == meta['provides']['bugevents']['version'], 'its version is the extension\'s', meta['version'])
for name in ('file', 'docfile'):
    ok(os.path.exists(os.path.join(ROOT, meta['provides']['bugevents'][name])), f'its {name} is there')
spec = re.search(r'^Version: *(.*)', read('packaging/bugevents.spec'), re.MULTILINE).group(1)
ok(spec == version, 'the version of the rpm is the extension\'s', spec)
print(f'1..{count}')
sys.exit(1 if failed else 0)
