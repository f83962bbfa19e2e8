"""admission: CPU that one connection takes of each process until its client is let in, and one question."""
import json

from meter import Meter
from process import say
from servers import Bugevents
from state import Client, sign

CLIENTS = 1000
BEGIN = """
CREATE TABLE members_of_bench (id bigint PRIMARY KEY, username text, email text, role text DEFAULT 'user', status text DEFAULT 'active',
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
INSERT INTO members_of_bench (id, username) SELECT n, 'user ' || n FROM generate_series(1, {}) AS n;
ANALYZE members_of_bench;
SELECT bugevents.attach('members_of_bench', 'user');
SELECT 'id=' || min(id) FROM bug_reports;
"""
END = "SELECT bugevents.detach('members_of_bench'); DROP TABLE members_of_bench"


def get(client, bug):
    """A row that the user may see, judged by the responder."""
    payload = json.dumps({'type': 'get', 'id': 1, 'payload': {'type': 'bug_report', 'id': bug}}).encode()
    client.socket.sendall(bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload)
    said = b''
    while not said.endswith(b'}}'):
        said += client.socket.recv(65536)
    if b'"reply"' not in said:
        raise SystemExit(f'bench: no row but {said[-200:]}')


def tell(report, case, used, count):
    for kind, value in used.items():
        if value > 0:
            report.add('admission', case, f'... {kind}', 'us', 'CPU', value / count * 1e6)
    report.add('admission', case, 'all', 'us', 'CPU', sum(used.values()) / count * 1e6)
    say(f'    {case}: {sum(used.values()) / count * 1e6:.0f} us')


def measure(cluster, report, rounds, quick):
    count = CLIENTS // 5 if quick else CLIENTS
    with open(cluster.secret, 'rb') as file:
        secret = file.read().strip()
    server = Bugevents(cluster).start()
    bug = int(cluster.psql('bugevents', BEGIN.format(count)).split('id=')[1].split()[0])
    meter = Meter(cluster)
    first = Client(server.port, sign(secret, 1))    # for which the workers are started
    get(first, bug)
    meter.start({})
    for _ in range(rounds):
        tokens = [sign(secret, n + 1) for n in range(count)]
        meter.settle()
        meter.start({})
        clients = [Client(server.port, token) for token in tokens]
        tell(report, 'a connection', meter.since(), count)
        meter.settle()
        meter.start({})
        for client in clients:
            get(client, bug)
        tell(report, 'a question (get)', meter.since(), count)
        for client in clients:
            client.socket.close()
    cluster.psql('bugevents', END)
