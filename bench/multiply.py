#!/usr/bin/env python3
"""A large shop out of a small one, in a few minutes: what became of its orders is copied again and
again, each copy earlier than the one before, with ids, sums and marks that agree. For measuring
what only takes long where much is stored (`souk audit`, backups); the copies were never sold.

    bench/multiply.py SMALL LARGE 22 [--keys 2]

SMALL is the data directory of a shop that was stopped, and had its users and products before its
first order. Answers of idempotency keys, which a shop keeps for a day, are copied --keys times."""

import argparse
import functools
import os
import re
import sqlite3

FILES = ('user', 'auth', 'product', 'order', 'payment', 'inventory', 'review', 'notification',
         'analytics', 'sandbox')
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}')
# Which column says when a row was made, where its id does not: of the others it is the first id.
TIME = {'outbox': 'told_at', 'idempotency': 'stored_at', 'order_lines': None, 'order_history': None}
NUMBERS = {'orders': 'number', 'order_lines': 'order_number', 'order_history': 'order_number'}
TEXTS = {'charges', 'refunds', 'transactions', 'idempotency'}  # of which texts hold ids
ONCE = {'products', 'documents', 'variants', 'tags', 'users', 'items', 'stock', 'purchases',
        'reviews', 'ratings', 'sessions', 'issued', 'clients', 'holders', 'carts', 'cart_lines'}


def moved(identifier, begin_ms, by_ms):
    """A UUIDv7 made at some earlier time; those from before the first order stay."""
    if identifier is None or identifier[:6] < begin_ms.to_bytes(6, 'big'):
        return identifier
    return (int.from_bytes(identifier[:6], 'big') - by_ms).to_bytes(6, 'big') + identifier[6:]


def moved_text(text, begin_ms, by_ms):
    def replace(match):
        byte = moved(bytes.fromhex(match[0].replace('-', '')), begin_ms, by_ms).hex()
        return f'{byte[:8]}-{byte[8:12]}-{byte[12:16]}-{byte[16:20]}-{byte[20:]}'
    return UUID.sub(replace, text) if isinstance(text, str) else text


class Multiplier:
    def __init__(self, small, large, times, keys):
        self.small, self.large, self.times, self.keys = small, large, times, keys
        orders = sqlite3.connect(f'{small}/order.db')
        self.begin_ms, end_ms, self.numbers = orders.execute(
            'SELECT min(created_at) - 100, max(updated_at), max(number) FROM orders').fetchone()
        self.span_ms = end_ms - self.begin_ms + 60_000

    def file(self, name):
        """Copies a file: the schema without its indexes, the rows, and then the indexes."""
        path = f'{self.large}/{name}.db'
        db = sqlite3.connect(path, isolation_level=None)
        db.execute('PRAGMA synchronous = OFF')
        db.execute('PRAGMA cache_size = -262144')
        db.execute('PRAGMA journal_mode = OFF')
        db.execute('ATTACH ? AS old', (f'{self.small}/{name}.db',))
        schema = db.execute('SELECT name, type, sql FROM old.sqlite_schema'
                            ' WHERE sql IS NOT NULL').fetchall()
        shadows = {found[0] for table, _, sql in schema if sql.startswith('CREATE VIRTUAL')
                   for found in schema if found[0].startswith(f'{table}_')}
        db.execute('BEGIN')
        for table, kind, sql in schema:
            if kind == 'table' and table not in shadows and not table.startswith('sqlite_'):
                db.execute(sql)
                if not sql.startswith('CREATE VIRTUAL'):
                    self.table(db, table)
        for table in shadows:
            db.execute(f'DELETE FROM main.{table}')
            db.execute(f'INSERT INTO main.{table} SELECT * FROM old.{table}')
        for _, kind, sql in schema:
            if kind in ('index', 'view'):
                db.execute(sql)
        db.execute('COMMIT')
        db.execute('DETACH old')
        db.execute('PRAGMA journal_mode = WAL')
        db.close()
        print(f'{name}: {os.path.getsize(path) / 1e6:.0f} MB', flush=True)

    def table(self, db, table):
        # xinfo: hidden is 2 or 3 where the column is computed
        columns = [row[1:3] for row in db.execute(f'PRAGMA old.table_xinfo({table})')
                   if row[6] == 0]
        counted = [name for name, kind in columns if kind == 'INTEGER' and table not in NUMBERS]
        if table not in ONCE:  # rows are numbered anew, in the same order
            columns = [column for column in columns if column[0] not in counted]
        names = [name for name, _ in columns]
        listed = ', '.join(f'"{name}"' for name in names)
        ids = [name for name, kind in columns if kind == 'UUID']
        time = TIME[table] if table in TIME else ids[0] if ids else 'created_at'
        begin = self.begin_ms.to_bytes(6, 'big') if time in ids else self.begin_ms
        if table in ONCE or not (table in TIME or ids or 'created_at' in names):
            db.execute(f'INSERT INTO main.{table} ({listed}) SELECT {listed} FROM old.{table}')
            return
        order = f' ORDER BY {counted[0]}' if counted else ''
        if time:
            values = listed
            if table == 'movements':
                values = values.replace('"delta"', '"delta" + ? * COALESCE((SELECT -sum(m.delta)'
                                        ' FROM sold m WHERE m.product_id = movements.product_id'
                                        ' AND m.warehouse = movements.warehouse), 0)')
                db.execute('CREATE TEMP TABLE sold (product_id, warehouse, delta,'
                           ' PRIMARY KEY (product_id, warehouse))')
                db.execute('INSERT INTO sold SELECT product_id, warehouse, sum(delta)'
                           ' FROM old.movements WHERE id >= ? GROUP BY 1, 2', (begin,))
            given = (self.times - 1, begin) if table == 'movements' else (begin,)
            db.execute(f'INSERT INTO main.{table} ({listed}) SELECT {values} FROM old.{table}'
                       f' WHERE {time} < ?{order}', given)
        times = self.keys if table == 'idempotency' else self.times
        where = f' WHERE {time} >= ?' if time else ''
        for copy in range(times - 1, -1, -1):
            by_ms = copy * self.span_ms
            db.create_function('moved', 1, functools.lru_cache(1000)(
                lambda value, by=by_ms: moved(value, self.begin_ms, by)), deterministic=True)
            db.create_function('moved_text', 1,
                               lambda value, by=by_ms: moved_text(value, self.begin_ms, by))
            values = ', '.join(self.value(table, name, kind, copy) for name, kind in columns)
            db.execute(f'INSERT INTO main.{table} ({listed}) SELECT {values} FROM old.{table}'
                       f'{where}{order}', (begin,) if time else ())

    def value(self, table, name, kind, copy):
        if copy and kind == 'UUID':
            return f'moved("{name}")'
        if name == NUMBERS.get(table):
            return f'"{name}" + {(self.times - 1 - copy) * self.numbers}'
        if copy and kind == 'TEXT' and table in TEXTS and name not in ('status', 'currency', 'kind',
                                                                      'caller', 'body'):
            text = f'moved_text("{name}")'
            return f"{text} || '-{copy}'" if (table, name) == ('idempotency', 'key') else text
        if copy and kind == 'BIGINT' and (name == 'at' or name.endswith('_at')):
            return f'"{name}" - {copy * self.span_ms}'
        return f'"{name}"'

    def marks(self):
        """Everybody has heard all."""
        told = {}
        for name in FILES[:-1]:
            with sqlite3.connect(f'{self.large}/{name}.db') as db:
                told[name] = db.execute('SELECT COALESCE(max(seq), 0) FROM outbox').fetchone()[0]
        for name in FILES[:-1]:
            with sqlite3.connect(f'{self.large}/{name}.db') as db:
                for source, seq in told.items():
                    db.execute('INSERT INTO heard (source, seq) VALUES (?, ?)'
                               ' ON CONFLICT (source) DO UPDATE SET seq = excluded.seq',
                               (source, seq))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('small')
    parser.add_argument('large')
    parser.add_argument('times', type=int)
    parser.add_argument('--keys', type=int, default=1)
    given = parser.parse_args()
    os.mkdir(given.large)
    multiplier = Multiplier(given.small, given.large, given.times, given.keys)
    for name in FILES:
        multiplier.file(name)
    multiplier.marks()


if __name__ == '__main__':
    main()
