"""table: a table of a world, and how it is attached.

What bugevents is told (columns, filter, audience, extra) and what the oracle asks of the table by
plain SQL come from the same few facts, so a world knows what everyone could SELECT without asking
bugevents.
"""
import json

TIME = 'to_char(row.{} AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'


class Table:
    def __init__(self, name, entity=None):
        self.name = name
        self.entity = entity        # None: it is not attached
        self.create = []            # statements
        self.fields = {}            # field -> what attach() is told
        self.sql = {}               # field -> the same as SQL over row
        self.extra = []             # columns, or name=expression
        self.quiet = set()          # fields whose change alone publishes nothing
        self.admin = set()          # fields for admins only
        self.filter = None
        self.audience = None        # SQL over row, of type text[]; None: the entity's default
        self.said_audience = None   # the same as attach() is told
        self.follows = []           # (lookup, query for the keys of the rows that depend on it)

    def column(self, field, column):
        self.fields[field] = column
        self.sql[field] = f'row.{column}'

    def time(self, field, column):
        self.fields[field] = column
        self.sql[field] = TIME.format(column)

    def expression(self, field, text, lookup=None, keys=None):
        self.fields[field] = text
        self.sql[field] = f'({text})'
        self.depend(lookup, keys)

    def add_extra(self, column):
        self.extra.append(column)
        self.sql[column] = f'row.{column}'

    def extra_expression(self, name, text, lookup=None, keys=None):
        self.extra.append(f'{name}={text}')
        self.sql[name] = f'({text})'
        self.depend(lookup, keys)

    def depend(self, lookup, keys):
        if lookup:
            self.follows.append((lookup, keys))

    def seen_by(self, audience, sql, lookup=None, keys=None):
        """The audience: as attach() is told, and as an array of principals."""
        self.said_audience, self.audience = audience, sql
        self.depend(lookup, keys)

    @property
    def is_settled(self):
        """Do columns alone say what a row is, and may everyone see all rows?"""
        return not (self.filter or self.follows) and self.said_audience in (None, 'all')

    def attach(self):
        """The statement that attaches it."""
        columns = {field: {'column': source, 'admin': True} if field in self.admin else source
                   for field, source in self.fields.items()}
        said = [f"'{self.name}', '{self.entity}', columns => $json${json.dumps(columns)}$json$"]
        if self.filter:
            said.append(f'filter => $sql${self.filter}$sql$')
        if self.said_audience:
            said.append(f'audience => $sql${self.said_audience}$sql$')
        if self.extra:
            said.append(f'extra => ARRAY[{", ".join(f"$sql${item}$sql$" for item in self.extra)}]')
        if self.quiet:
            said.append(f"quiet => '{{{','.join(sorted(self.quiet))}}}'")
        return f'SELECT bugevents.attach({", ".join(said)})'

    def follow(self):
        """The statements that make its lookups' changes its own."""
        return [f"SELECT bugevents.follow('{lookup}', '{self.name}', $sql${keys}$sql$)"
                for lookup, keys in dict.fromkeys(self.follows)]

    def select(self):
        """A row each: entity, payload, whether the filter lets it through, audience, which version it is."""
        payload = ', '.join(f"'{field}', {sql}" for field, sql in self.sql.items())
        return (f"SELECT '{self.entity}', jsonb_build_object({payload})::text,"
                f" coalesce({self.filter or 'true'}, false), {self.audience or 'NULL::text[]'},"
                f' row.tableoid::regclass::text, row.ctid::text, row.xmin::text FROM {self.name} AS row')
