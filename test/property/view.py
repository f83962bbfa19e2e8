"""view: what everyone could SELECT at one moment, and who everyone is.

A View is the answer of plain SQL: of each row of each attached table the payload, whether the
filter lets it through, its audience, and which version it is.  A Viewer is somebody who looks.
"""
import collections
import json

# place is where the version stands: table, ctid, xmin.  audience None: the entity's default.
Row = collections.namedtuple('Row', 'payload wanted audience place')


class Ambiguous(Exception):
    """Two rows have one key: what their events must be is not said."""


class View:
    def __init__(self, rows):
        self.rows = rows        # (entity, key) -> Row

    @classmethod
    def read(cls, cursor, schema):
        cursor.execute(' UNION ALL '.join(table.select() for table in schema.attached))
        rows = {}
        for entity, payload, wanted, audience, *place in cursor.fetchall():
            payload = json.loads(payload)
            key = entity, payload['id']
            if key in rows:
                raise Ambiguous(f'{entity} {payload["id"]}')
            rows[key] = Row(payload, wanted, principals_of(audience), tuple(place))
        return cls(rows)

    def of(self, entity):
        """The rows of an entity that its filter lets through."""
        return {key: row for (kind, key), row in self.rows.items() if kind == entity and row.wanted}

    def visible(self, viewer):
        """What the viewer could SELECT: (entity, key) -> payload."""
        return {key: viewer.strip(key[0], row.payload) for key, row in self.rows.items() if viewer.sees(key[0], row)}

    def differences(self, later, by=lambda row: row and row.place):
        """The keys whose versions differ, or what else is asked for."""
        return {key for key in self.rows.keys() | later.rows.keys()
                if by(self.rows.get(key)) != by(later.rows.get(key))}


def principals_of(audience):
    """None where none was said; where nobody is named, admins."""
    return None if audience is None else frozenset(filter(None, audience)) or frozenset({'admin'})


class Viewer:
    """Somebody: principals, and the fields that admins alone see."""

    def __init__(self, principals, admin_fields):
        self.principals = frozenset(principals) | {'all'}
        self.admin_fields = admin_fields        # entity -> fields
        self.is_admin = 'admin' in self.principals

    def strip(self, entity, fields):
        """Payload or changes without what is for admins."""
        hidden = self.admin_fields.get(entity, ())
        if self.is_admin or not fields or not hidden:
            return fields
        return {name: value for name, value in fields.items() if name not in hidden}

    def sees(self, entity, row, action='updated'):
        return bool(row and row.wanted and self.principals & (row.audience or default_audience(entity, row, action)))

    def receives(self, audience):
        """Is an event with these lines of audience for the viewer?"""
        named = {name for name in audience if name[0] not in '!&'}
        only, but = ({name[1:] for name in audience if name[0] == sign} for sign in '&!')
        mine = self.principals
        return bool(mine & named) and (not only or bool(mine & only)) and not mine & but

    def __repr__(self):
        return ' '.join(sorted(self.principals))


def default_audience(entity, row, action):
    """Who sees an event of a row for which no audience was said."""
    if entity == 'user':
        return {'admin', f'user:{row.payload["id"]}'} if action == 'updated' else {'admin'}
    if entity == 'membership':
        return {'admin', f'user:{row.payload["user_id"]}'}
    return {'all'}
