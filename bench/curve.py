"""The curve: what a request costs as the shop grows, in CPU, which waits for nobody."""

import os
import shutil
import subprocess

import catalogue
import drive
import picture
import shop as shops

READERS = 64
BUYERS = 256
SECONDS = 3
PRODUCTS = (100, 1000, 10000, 100000)
ORDERS = (1000, 10000, 100000)
ORDERS_LONG = (*ORDERS, 1000000)
CONNECTIONS = (1, 10, 100, 1000, 10000)
SPARE_FILES = 200


def _read(bench, shop, paths, connections=READERS, token=()):
    path = bench.file('curve-paths', paths)
    measured = drive.wrk(shop.process.pid, shop.url, 'get', [path, *token], connections,
                         bench.seconds(SECONDS))
    if measured['failed']:
        raise RuntimeError(f'{paths[0]}: {measured["failed"]} refused')
    return measured


def _buy(bench, shop, seconds, connections=BUYERS):
    return drive.buy(bench.programs, shop.process.pid, shop.port, 0, seconds, connections,
                     bench.file('curve-tokens'), bench.file('curve-products'),
                     bench.file('curve-bought'))


def _customers(bench, shop, count):
    _, tokens = shop.register(count)
    products = shop.products(1000)
    bench.file('curve-tokens', tokens)
    bench.file('curve-products', [variant['id'] for product in products
                                  for variant in product['variants']][:5000])
    return tokens, products


def _grow_products(bench):
    lines = {'GET /products/:id': [], 'GET /products?limit=20': [], 'whole purchase': [],
             'search q=': []}
    for count in PRODUCTS:
        data, csv = f'{bench.work}/curve', bench.file('curve.csv')
        shutil.rmtree(data, ignore_errors=True)
        catalogue.write(csv, count, 1)
        subprocess.run([bench.souk, 'import', 'products', csv, '--data', data], check=True,
                       capture_output=True)
        with shops.Shop(bench.souk, data) as shop:
            _, products = _customers(bench, shop, 10)
            for name, paths in (
                    ('GET /products/:id', [f'/products/{product["id"]}' for product in products]),
                    ('GET /products?limit=20', ['/products?limit=20']),
                    ('search q=', [f'/products?limit=20&q={word}' for word in catalogue.NAMES])):
                lines[name].append([count, _read(bench, shop, paths)['cpu_us']])
            lines['whole purchase'].append(
                [count, _buy(bench, shop, bench.seconds(SECONDS))['cpu_us']])
            shop.settle()
        print(f'  {count:,} products: ' +
              ', '.join(f'{name} {line[-1][1]:.0f} us' for name, line in lines.items()), flush=True)
    return lines


def _grow_orders(bench, sizes):
    data = f'{bench.work}/curve'
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(bench.imported, data)
    lines = {'whole purchase': [], 'GET /orders/user/:id': [], 'GET /orders/:id': []}
    with shops.Shop(bench.souk, data) as shop:
        tokens, _ = _customers(bench, shop, 20)
        for size in sizes:
            while (left := size - shop.query('order', 'SELECT COUNT(*) FROM orders')[0][0]) > 0:
                _buy(bench, shop, min(max(left / 4000, 0.1), 60))
            shop.settle(600)
            (user,), = shop.query('order', 'SELECT user_id FROM orders ORDER BY number LIMIT 1')
            token = next(token for token in tokens
                         if _may_list(shop, user.hex(), token))
            ids = shop.query('order', 'SELECT id FROM orders WHERE user_id = ? ORDER BY'
                                      ' number DESC LIMIT 500', user)
            lines['GET /orders/user/:id'].append([size, _read(
                bench, shop, [f'/orders/user/{_text(user.hex())}'], token=[token])['cpu_us']])
            lines['GET /orders/:id'].append([size, _read(
                bench, shop, [f'/orders/{_text(id.hex())}' for (id,) in ids],
                token=[token])['cpu_us']])
            bought = _buy(bench, shop, bench.seconds(SECONDS))
            lines['whole purchase'].append([size, bought['cpu_us']])
            print(f'  {size:,} orders: ' + ', '.join(
                f'{name} {line[-1][1]:.0f} us' for name, line in lines.items()), flush=True)
            shop.settle(600)
    return lines


def _text(hexadecimal):
    h = hexadecimal
    return f'{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}'


def _may_list(shop, user, token):
    return shop.ask('GET', f'/orders/user/{_text(user)}?limit=1', token=token)[0] == 200


def _grow_connections(bench):
    """Also what they take of memory."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    costs, memory = [], []
    for count in CONNECTIONS:
        if count + SPARE_FILES > most:
            print(f'  {count:,} connections: no more than {most} files may be open', flush=True)
            continue
        data = f'{bench.work}/curve'
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(bench.imported, data)
        # The kernel deals connections out by chance: each worker has room for twice its share.
        with shops.Shop(bench.souk, data, '--connections', str(2 * count + 100)) as shop:
            paths = [f'/products/{product["id"]}' for product in shop.products(1000)]
            costs.append([count, _read(bench, shop, paths, count)['cpu_us']])
            memory.append([count, shop.memory_kib('VmHWM') / 1024])
        print(f'  {count:,} connections: {costs[-1][1]:.1f} us, {memory[-1][1]:.0f} MiB',
              flush=True)
    return {'GET /products/:id': costs}, {'resident memory': memory}


def measure(bench, long):
    print('the curve', flush=True)
    by_connections, memory = _grow_connections(bench)
    return {
        'products': _grow_products(bench),
        'orders': _grow_orders(bench, ORDERS_LONG if long else ORDERS),
        'connections': by_connections,
        'memory': memory,
    }


def draw(path, results):
    curves, about = results['curve'], results['machine']
    unit = 'microseconds of CPU per request'
    picture.write(path, [
        {'title': 'more products', 'axis': 'products', 'unit': unit, 'lines': curves['products']},
        {'title': 'more orders', 'axis': 'orders', 'unit': unit, 'lines': curves['orders']},
        {'title': 'more connections', 'axis': 'connections', 'unit': unit,
         'lines': curves['connections']},
        {'title': 'memory of connections', 'axis': 'connections', 'unit': 'MiB resident',
         'lines': curves['memory']},
    ], f'{about["cpu"]}, {about["cores"]} cores; {about["taken_at"]}, commit {about["commit"]}')
    print(f'  {os.path.relpath(path)}')
