"""The limits: the least program that does the same work, driven in the same way, in this run."""

import json
import shutil
import subprocess
import time

import drive
from shop import free_port

# What libmicrohttpd writes by itself.
OWN_HEADERS = ('date', 'content-length', 'connection')

# In how many steps a purchase becomes durable in each file: what cannot share a commit, because it
# waits for what another service has made durable.
COMMITS = {
    'order': 3,         # placed; reserved, and taken for charging; paid
    'inventory': 2,     # reserved; sold
    'payment': 2,       # asked; answered
    'sandbox': 1,
    'notification': 2,  # paid; sent
    'analytics': 2,     # placed; paid
    'product': 1,       # the stock as it is reserved
    'review': 1,
    'user': 1,
    'auth': 1,
}

# Rows that a purchase of two products changes where they are: rows, key, columns.
UPDATES = {
    'order': {'orders': (2, 'number', 'status,due_at,attempts,version,updated_at'),
              'idempotency': (1, 'number', 'answered,status,body')},
    'inventory': {'items': (4, 'id', 'on_hand,reserved,revision,updated_at'),
                  'reservations': (1, 'order_id', 'status,updated_at')},
    'payment': {'transactions': (1, 'order_id', 'status,provider_reference,updated_at')},
    'notification': {'messages': (1, 'id', 'status,due_at,version')},
    'product': {'variants': (2, 'id', 'available,stock_version'),
                'products': (2, 'number', 'available,revision')},
}

# What POST /orders stores before it answers 202.
ORDER_PLAN = '''database order 1
insert orders 1
insert order_lines 2
insert order_history 1
insert outbox 1
insert idempotency 1
'''


def bare_http(programs, workers, answer, directory, paths, connections, seconds):
    """The bare server, sending what `answer` (status, headers, body) is."""
    _, headers, body = answer
    path, port = f'{directory}/answer', free_port()
    with open(path, 'wb') as file:
        for name, value in headers:
            if name.lower() not in OWN_HEADERS:
                file.write(f'{name}: {value}\n'.encode())
        file.write(b'\n' + body)
    server = subprocess.Popen([f'{programs}/bare_http', str(port), str(workers), path])
    try:
        time.sleep(0.2)
        return drive.wrk(server.pid, f'http://127.0.0.1:{port}', 'get', [paths], connections,
                         seconds)
    finally:
        server.terminate()
        server.wait()


def bare_sqlite(programs, shop_before, shop_after, scratch, purchases, clients, plan):
    """The bare loop: the rows of the stopped shop `shop_after`, written into a copy of it from
    before."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(shop_before, scratch, ignore=shutil.ignore_patterns('outbox', '*.lock'))
    try:
        done = subprocess.run([f'{programs}/bare_sqlite', shop_after, scratch, str(purchases),
                               str(clients)], input=plan, capture_output=True, text=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    answer = json.loads(done.stdout)
    return {
        'per_second': answer['purchases'] / answer['seconds'],
        'cpu_us': answer['cpu_seconds'] * 1e6 / answer['purchases'],
        'rows_each': answer['rows'] / answer['purchases'],
        **answer,
    }


def purchase_plan(before, after, orders):
    """The plan of a whole purchase, from the rows that `orders` of them have added per table."""
    plan = []
    for database, tables in after.items():
        added = {table: (count - before[database].get(table, 0)) / orders
                 for table, count in tables.items()}
        writes = [f'insert {table} {each:.3f}' for table, each in added.items() if each >= 0.5]
        if not writes and database not in UPDATES:
            continue
        plan.append(f'database {database} {COMMITS[database]}')
        plan += writes
        plan += [f'update {table} {rows} {key} {columns}'
                 for table, (rows, key, columns) in UPDATES.get(database, {}).items()]
    return '\n'.join(plan) + '\n'


def argon2(programs, threads, seconds):
    done = subprocess.run([f'{programs}/argon2', str(threads), str(seconds)], check=True,
                          capture_output=True, text=True)
    answer = json.loads(done.stdout)
    return {'per_second': answer['checks'] / answer['seconds']}
