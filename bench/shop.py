"""A shop to measure: the program on a data directory and a port of its own, and its /proc."""

import base64
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

ADMIN = 'admin@souk.example'
PASSWORD = 'a-perfectly-fine-Passphrase-9'
READY_SECONDS = 60
STOP_SECONDS = 120
TICKS = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def subject_of(token):
    """Whose access token it is."""
    claims = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(claims + '=' * (-len(claims) % 4)))['sub']


def process_cpu(pid):
    """Seconds of CPU that the process has used."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Shop:
    def __init__(self, souk, data, *options):
        self.souk, self.data, self.port = souk, data, free_port()
        self.log = open(f'{data}.log', 'a')
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [souk, 'serve', '--listen', f'127.0.0.1:{self.port}', '--data', data,
             '--admin-email', ADMIN, '--admin-password', PASSWORD, '--rate-limits', 'off',
             '--log-access', 'off', '--access-minutes', '1440', *options],
            stderr=self.log)
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > begun + READY_SECONDS:
                raise RuntimeError(f'the shop does not start: see {self.log.name}')
            time.sleep(0.001)
        self.ready_seconds = time.monotonic() - begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process.wait(STOP_SECONDS) != 0:
            raise RuntimeError(f'the shop has failed: see {self.log.name}')
        self.log.close()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}'

    def _is_ready(self):
        try:
            return self.ask('GET', '/readyz')[0] == 200
        except OSError:
            return False

    # ---- asking

    def ask(self, method, path, body=None, token=None):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        headers = {'Content-Type': 'application/json'} if body is not None else {}
        if token:
            headers['Authorization'] = f'Bearer {token}'
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), read

    def get(self, path, token=None):
        status, _, body = self.ask('GET', path, token=token)
        if status != 200:
            raise RuntimeError(f'GET {path}: {status} {body[:300]}')
        return json.loads(body)

    def register(self, count):
        """Emails and tokens of new customers."""
        run = f'{time.time_ns():x}'
        emails = [f'customer-{run}-{i}@souk.example' for i in range(count)]
        for email in emails:
            status, _, body = self.ask('POST', '/users/register',
                                       {'email': email, 'password': PASSWORD})
            if status != 201:
                raise RuntimeError(f'registering: {status} {body[:300]}')
        return emails, [self.log_in(email) for email in emails]

    def log_in(self, email=ADMIN):
        status, _, body = self.ask('POST', '/users/login', {'email': email, 'password': PASSWORD})
        if status != 200:
            raise RuntimeError(f'logging in: {status} {body[:300]}')
        return json.loads(body)['accessToken']

    def order(self, token, variant):
        """Places an order of one, which is settled later."""
        status, _, body = self.ask('POST', '/orders', {
            'items': [{'productId': variant, 'quantity': 1}],
            'shippingAddress': {'name': 'Leyla Aydin', 'line1': 'Gartenstr. 5', 'city': 'Berlin',
                                'postalCode': '10115', 'country': 'DE'},
            'paymentMethod': 'tok_visa'}, token)
        if status not in (201, 202):
            raise RuntimeError(f'ordering: {status} {body[:300]}')

    def products(self, most):
        """Up to `most` products, newest first."""
        found, cursor = [], ''
        while len(found) < most:
            page = self.get(f'/products?limit=100&sort=newest{cursor}')
            found += page['items']
            if not page['nextCursor']:
                break
            cursor = f'&cursor={page["nextCursor"]}'
        return found[:most]

    # ---- looking

    def cpu(self):
        return process_cpu(self.process.pid)

    def memory_kib(self, field='VmRSS'):
        with open(f'/proc/{self.process.pid}/status') as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ':'))

    def query(self, database, text, *values):
        """Looks into a database of the shop, which may run."""
        return query(self.data, database, text, *values)

    def settle(self, seconds=180):
        """Waits until no order is on its way, and every message sent."""
        until = time.monotonic() + seconds
        while self.query('order', "SELECT 1 FROM orders WHERE status IN ('pending', 'reserved')"
                                  ' LIMIT 1') or \
                self.query('notification', 'SELECT 1 FROM messages WHERE due_at IS NOT NULL'
                                           ' LIMIT 1'):
            if time.monotonic() > until:
                raise RuntimeError('the shop does not come to rest')
            time.sleep(0.1)

    def audit(self):
        """Whether the audit finds nothing, and what it says."""
        done = subprocess.run([self.souk, 'audit', '--data', self.data], capture_output=True,
                              text=True)
        return done.returncode == 0, (done.stdout + done.stderr).strip()


def query(data, database, text, *values):
    connection = sqlite3.connect(f'file:{data}/{database}.db?mode=ro', uri=True, timeout=10)
    try:
        return connection.execute(text, values).fetchall()
    finally:
        connection.close()


def row_counts(data):
    """{database: {table: rows}}"""
    counts = {}
    for name in sorted(os.listdir(data)):
        database, end = os.path.splitext(name)
        if end != '.db':
            continue
        tables = query(data, database, "SELECT name FROM sqlite_master WHERE type = 'table'"
                                       " AND name NOT LIKE 'sqlite_%'"
                                       " AND name NOT LIKE 'product_search%'")
        counts[database] = {
            table: query(data, database, f'SELECT COUNT(*) FROM {table}')[0][0]
            for (table,) in tables}
    return counts
