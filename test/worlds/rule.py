"""rule: who sees what, as the statement in docs/security.md says it, over tables of its own."""
import os
import re

TABLES = '''
CREATE SCHEMA rule;
CREATE TABLE rule.user_rows (id text, active boolean, role text);
CREATE TABLE rule.members (id text, principal text);
CREATE TABLE rule.user_tables (name text);
CREATE TABLE rule.askers (n int, who text, token_role text, token_projects text[]);
CREATE TABLE rule.things (n int, audience text[]);
SET search_path = rule;
'''


def statement(checkout):
    """The blocks of SQL in the section of the rule."""
    with open(os.path.join(checkout, 'docs/security.md')) as file:
        section = file.read().split('## Who sees what: one rule\n')[1].split('\n## ')[0]
    return '\n'.join(re.findall(r'```sql\n(.*?)```', section, re.DOTALL))


class Rule:
    def __init__(self, cursor, checkout):
        self.cursor = cursor
        cursor.execute(TABLES + statement(checkout) + 'RESET search_path;')

    def take(self, users, members, tables):
        """What the tables say now: rows that their filters let through."""
        self.cursor.execute('TRUNCATE rule.user_rows, rule.members, rule.user_tables')
        for row in users:
            self.cursor.execute('INSERT INTO rule.user_rows VALUES (%s, %s, %s)', row)
        for row in members:
            self.cursor.execute('INSERT INTO rule.members VALUES (%s, %s)', row)
        for name in tables:
            self.cursor.execute('INSERT INTO rule.user_tables VALUES (%s)', (name,))

    def judge(self, askers, audiences, require_user):
        """(asker, thing) -> whether it sees it; an asker is (who, token's role or None, its projects)."""
        self.cursor.execute('TRUNCATE rule.askers, rule.things')
        for n, (who, role, projects) in enumerate(askers):
            self.cursor.execute('INSERT INTO rule.askers VALUES (%s, %s, %s, %s)', (n, who, role, list(projects)))
        for n, audience in enumerate(audiences):
            self.cursor.execute('INSERT INTO rule.things VALUES (%s, %s)', (n, list(audience)))
        self.cursor.execute('SELECT a.n, t.n, rule.sees(who, token_role, token_projects, %s, audience)'
                            ' FROM rule.askers AS a CROSS JOIN rule.things AS t', (require_user,))
        sees = {(a, t): bool(answer) for a, t, answer in self.cursor.fetchall()}
        self.cursor.execute('SELECT n, rule.is_let_in(who, token_role, %s), rule.is_admin(who, token_role)'
                            ' FROM rule.askers', (require_user,))
        people = {n: (bool(let_in), bool(admin)) for n, let_in, admin in self.cursor.fetchall()}
        return sees, people
