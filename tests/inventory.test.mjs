// Inventory as its callers see it: stock in warehouses, and what is kept of it for orders.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { uuidv7 } from './lib/requests.mjs';
import { runSouk, startShop, waitFor } from './lib/shop.mjs';

let shop, admin, service, vendor, other;

before(async () => {
  shop = await startShop();
  [admin, service, vendor, other] =
    await Promise.all([shop.admin(), shop.service(), shop.vendor(), shop.vendor()]);
});

// ---- what the tests ask again and again

const stockOf = (productId) => shop.get(`/inventory/${productId}`);
const put = (productId, body, { token = vendor.token, expect = 200, headers } = {}) =>
  shop.api('PUT', `/inventory/${productId}`, { token, body, expect, headers });
const reserve = (orderId, items, { expect = 201, key, ...rest } = {}) =>
  shop.api('POST', '/inventory/reserve', { token: service, key, body: { orderId, items, ...rest }, expect });
const release = (orderId, expect = 200) =>
  shop.api('POST', '/inventory/release', { token: service, body: { orderId }, expect });
const commit = (orderId, expect = 200) =>
  shop.api('POST', '/inventory/commit', { token: service, body: { orderId }, expect });
const newProduct = (stock, rest = {}) => shop.createProduct({ vendor, stock, ...rest });
const figures = ({ onHand, reserved, available, status }) => [onHand, reserved, available, status];

// ---- stock

test('stock of a product: what is on hand, kept, free, and whether that is few', async () => {
  const { id } = await newProduct(10);
  const { json, headers } = await shop.api('GET', `/inventory/${id}`, { expect: 200 });
  const { updatedAt, ...rest } = json;
  assert.ok(updatedAt);
  assert.deepEqual(rest, {
    productId: id, tracked: true, backorder: 'deny', onHand: 10, reserved: 0, available: 10, status: 'in_stock', lowStockThreshold: 5,
    warehouses: [{ warehouse: 'main', onHand: 10, reserved: 0 }],
  });
  await shop.api('GET', `/inventory/${id}`, { headers: { 'if-none-match': headers.etag }, expect: 304 });

  const orderId = uuidv7();
  await reserve(orderId, [{ productId: id, quantity: 5 }]);
  await shop.api('GET', `/inventory/${id}`, { headers: { 'if-none-match': headers.etag }, expect: 200 });
  assert.deepEqual(figures(await stockOf(id)), [10, 5, 5, 'low_stock']);
  await put(id, { lowStockThreshold: 4 });
  assert.deepEqual(figures(await stockOf(id)), [10, 5, 5, 'in_stock']);
  await put(id, { onHand: 5 });
  assert.deepEqual(figures(await stockOf(id)), [5, 5, 0, 'out_of_stock']);
  await waitFor(async () => (await shop.get(`/products/${id}`)).stock.status === 'out_of_stock',
    'the product follows');
});

test('what is unknown, deleted or no id is not found', async () => {
  const { id } = await newProduct(10);
  const orderId = uuidv7();
  await reserve(orderId, [{ productId: id, quantity: 2 }]);
  await shop.api('DELETE', `/products/${id}`, { token: vendor.token, expect: 204 });
  await waitFor(async () => (await shop.api('GET', `/inventory/${id}`)).status === 404, 'it is gone');
  await put(id, { onHand: 1 }, { expect: 404 });
  await put(uuidv7(), { onHand: 1 }, { expect: 404 });
  await shop.api('GET', `/inventory/${uuidv7()}`, { expect: 404 });
  await shop.api('GET', '/inventory/lamp', { expect: 404 });
  const { json } = await reserve(uuidv7(), [{ productId: id, quantity: 1 }], { expect: 409 });
  assert.deepEqual(json.items, [{ productId: id, requested: 1, available: 0 }]);
  await commit(orderId);
});

test('counting and correcting', async () => {
  const { id } = await newProduct(10);
  assert.equal((await put(id, { onHand: 20 })).json.onHand, 20);
  assert.equal((await put(id, { adjust: -3, reason: 'broken' })).json.onHand, 17);
  assert.equal((await put(id, { adjust: 5, reason: 'found', lowStockThreshold: 22 })).json.status, 'low_stock');
  assert.equal((await put(id, { onHand: 0 }, { token: admin })).json.status, 'out_of_stock');
  const { json } = await put(id, { adjust: -1, reason: 'broken' }, { expect: 409 });
  assert.equal(json.type, '/problems/below-reserved');
});

test('stock does not fall below what is kept for orders', async () => {
  const { id } = await newProduct(10);
  await reserve(uuidv7(), [{ productId: id, quantity: 4 }]);
  const { json } = await put(id, { onHand: 3 }, { expect: 409 });
  assert.equal(json.type, '/problems/below-reserved');
  assert.deepEqual([json.warehouse, json.onHand, json.reserved], ['main', 10, 4]);
  await put(id, { adjust: -7, reason: 'broken' }, { expect: 409 });
  assert.deepEqual(figures((await put(id, { onHand: 4 })).json), [4, 4, 0, 'out_of_stock']);
});

test('a change is of the version that was read', async () => {
  const { id } = await newProduct(10);
  const { headers } = await shop.api('GET', `/inventory/${id}`);
  // What orders do to it is no change of the vendor's.
  await reserve(uuidv7(), [{ productId: id, quantity: 1 }]);
  const first = await put(id, { onHand: 11 }, { headers: { 'if-match': headers.etag } });
  const { json } = await put(id, { onHand: 12 }, { headers: { 'if-match': headers.etag }, expect: 412 });
  assert.equal(json.type, '/problems/version-mismatch');
  await put(id, { onHand: 12 }, { headers: { 'if-match': first.headers.etag } });
});

test('only its vendor and admins change stock', async () => {
  const { id } = await newProduct(10);
  const customer = await shop.customer();
  await put(id, { onHand: 1 }, { token: other.token, expect: 403 });
  await put(id, { onHand: 1 }, { token: customer.token, expect: 403 });
  await put(id, { onHand: 1 }, { token: null, expect: 401 });
  await put(id, { onHand: 9 }, { token: admin });
  assert.equal((await stockOf(id)).onHand, 9);
});

test('what was read may be changed and sent back', async () => {
  const { id } = await newProduct(10);
  await put(id, { warehouse: 'berlin', onHand: 4 });
  const stock = await stockOf(id);
  const { json } = await put(id, { ...stock, lowStockThreshold: 2 });
  assert.deepEqual(json, { ...stock, lowStockThreshold: 2, updatedAt: json.updatedAt });
});

test('warehouses: each has its own, and is named where more than one is meant', async () => {
  const { id } = await newProduct(0);
  assert.deepEqual((await put(id, { warehouse: 'berlin', onHand: 4 })).json.warehouses, [
    { warehouse: 'berlin', onHand: 4, reserved: 0 }, { warehouse: 'main', onHand: 0, reserved: 0 },
  ]);
  // The only one that has any.
  assert.equal((await put(id, { adjust: 1, reason: 'found' })).json.warehouses[0].onHand, 5);
  assert.equal((await put(id, { warehouse: 'main', onHand: 3 })).json.onHand, 8);
  for (const body of [{ onHand: 4 }, { adjust: 1, reason: 'found' }]) {
    const { json } = await put(id, body, { expect: 422 });
    assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/warehouse']);
  }

  const whole = await reserve(uuidv7(), [{ productId: id, quantity: 3 }]);
  assert.deepEqual(whole.json.items, [{ productId: id, quantity: 3, warehouse: 'main' }]);
  const orderId = uuidv7();
  await put(id, { warehouse: 'cadiz', onHand: 4 });
  const split = await reserve(orderId, [{ productId: id, quantity: 8 }]);
  assert.deepEqual(split.json.items, [
    { productId: id, quantity: 5, warehouse: 'berlin' }, { productId: id, quantity: 3, warehouse: 'cadiz' },
  ]);
  await put(id, { warehouse: 'berlin', onHand: 4 }, { expect: 409 });
  await commit(orderId);
  const now = await stockOf(id);
  assert.deepEqual(figures(now), [4, 3, 1, 'low_stock']);
  assert.deepEqual(now.warehouses, [
    { warehouse: 'berlin', onHand: 0, reserved: 0 }, { warehouse: 'cadiz', onHand: 1, reserved: 0 },
    { warehouse: 'main', onHand: 3, reserved: 3 },
  ]);
});

test('a product has a bounded number of warehouses, and a warehouse a bounded stock', async () => {
  const { id } = await newProduct(1);
  for (let i = 1; i < 50; i++) await put(id, { warehouse: `w-${i}`, onHand: 1 });
  const { json } = await put(id, { warehouse: 'w-50', onHand: 1 }, { expect: 409 });
  assert.equal(json.type, '/problems/conflict');
  await put(id, { warehouse: 'w-49', onHand: 1e9 });
  await put(id, { warehouse: 'w-49', adjust: 1, reason: 'found' }, { expect: 409 });
  const stock = await stockOf(id);
  assert.equal(stock.warehouses.length, 50);
  assert.equal(stock.onHand, 1e9 + 49);
  const { json: reservation } = await reserve(uuidv7(), [{ productId: id, quantity: 40 }]);
  assert.deepEqual(reservation.items, [{ productId: id, quantity: 40, warehouse: 'w-49' }]);
});

// ---- lists

test('a vendor lists its own stock by status, page by page; an admin all', async () => {
  const own = await shop.vendor();
  const stocks = [0, 3, 100, 0, 4, 200, 0];
  const ids = [];
  for (const stock of stocks) ids.push((await shop.createProduct({ vendor: own, stock })).id);
  const list = (query, token = own.token, limit) => shop.all(`/inventory${query}`, token, limit);

  assert.deepEqual((await list('', own.token, 2)).map(({ productId }) => productId), ids);
  for (const [status, positions] of Object.entries({
    out_of_stock: [0, 3, 6], low_stock: [1, 4], in_stock: [2, 5],
  })) {
    const found = await list(`?status=${status}`, own.token, 1);
    assert.deepEqual(found.map(({ productId }) => productId), positions.map((i) => ids[i]));
    assert.ok(found.every((stock) => stock.status === status));
  }
  assert.deepEqual(await stockOf(ids[1]), (await list('?status=low_stock'))[0]);
  assert.deepEqual(await list('', (await shop.vendor()).token), []);
  const all = new Set((await list('', admin)).map(({ productId }) => productId));
  assert.ok(ids.every((id) => all.has(id)));

  const first = await shop.api('GET', '/inventory?limit=3', { token: own.token, expect: 200 });
  assert.match(first.headers.link, /^<\/inventory\?limit=3&cursor=[\w-]+>; rel="next"$/);
});

test('bad queries name every parameter', async () => {
  const { json } = await shop.api('GET', '/inventory?status=few&limit=0&cursor=x',
    { token: vendor.token, expect: 422 });
  assert.deepEqual(json.errors.map(({ parameter }) => parameter).sort(), ['cursor', 'limit', 'status']);
});

// ---- reservations

test('a reservation keeps all or nothing, once per order', async () => {
  const [tray, lamp] = [await newProduct(10), await newProduct(5)];
  const orderId = uuidv7();
  const tooMany = await reserve(orderId, [
    { productId: tray.id, quantity: 2 }, { productId: lamp.id, quantity: 6 }, { productId: tray.id, quantity: 9 },
  ], { expect: 409 });
  assert.equal(tooMany.json.type, '/problems/out-of-stock');
  assert.deepEqual(tooMany.json.items, [
    { productId: tray.id, requested: 11, available: 10 }, { productId: lamp.id, requested: 6, available: 5 },
  ].sort((a, b) => (a.productId < b.productId ? -1 : 1)));
  assert.deepEqual(figures(await stockOf(tray.id)), [10, 0, 10, 'in_stock']);

  const items = [{ productId: lamp.id, quantity: 1 }, { productId: tray.id, quantity: 2 }, { productId: lamp.id, quantity: 2 }];
  const first = await reserve(orderId, items);
  const { reservationId, expiresAt, ...rest } = first.json;
  assert.ok(reservationId);
  const minutes = (Date.parse(expiresAt) - Date.now()) / 60_000;
  assert.ok(minutes > 13 && minutes < 16, expiresAt);
  assert.deepEqual(rest, {
    orderId, status: 'active',
    items: [{ productId: tray.id, quantity: 2, warehouse: 'main' }, { productId: lamp.id, quantity: 3, warehouse: 'main' }]
      .sort((a, b) => (a.productId < b.productId ? -1 : 1)),
  });
  const again = await reserve(orderId, [{ productId: tray.id, quantity: 2 }, { productId: lamp.id, quantity: 3 }]);
  assert.deepEqual(again.json, first.json);
  const different = await reserve(orderId, [{ productId: tray.id, quantity: 2 }], { expect: 409 });
  assert.equal(different.json.type, '/problems/conflict');
  assert.deepEqual(figures(await stockOf(lamp.id)), [5, 3, 2, 'low_stock']);
});

test('a repeated key gives the stored answer', async () => {
  const { id } = await newProduct(5);
  const [orderId, key] = [uuidv7(), shop.unique('reserve')];
  const first = await reserve(orderId, [{ productId: id, quantity: 2 }], { key });
  await release(orderId);
  const again = await reserve(orderId, [{ productId: id, quantity: 2 }], { key });
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.deepEqual(again.json, first.json);
});

test('committing sells, releasing frees, and both may be repeated', async () => {
  const { id } = await newProduct(10);
  const [sold, freed] = [uuidv7(), uuidv7()];
  await reserve(sold, [{ productId: id, quantity: 4 }]);
  await reserve(freed, [{ productId: id, quantity: 3 }]);
  for (let i = 0; i < 2; i++) {
    assert.equal((await commit(sold)).json.status, 'committed');
    assert.equal((await release(freed)).json.status, 'released');
    assert.deepEqual(figures(await stockOf(id)), [6, 0, 6, 'in_stock']);
  }
  await release(sold, 409);
  await commit(freed, 409);
  await reserve(freed, [{ productId: id, quantity: 3 }], { expect: 409 });
  assert.equal((await reserve(sold, [{ productId: id, quantity: 4 }])).json.status, 'committed');
  await release(uuidv7(), 404);
  await commit(uuidv7(), 404);
  assert.deepEqual(figures(await stockOf(id)), [6, 0, 6, 'in_stock']);
});

test('what nobody commits in time is free again, and is sold late only if it is still there', async () => {
  const { id } = await newProduct(3);
  const [late, faster] = [uuidv7(), uuidv7()];
  await reserve(late, [{ productId: id, quantity: 2 }], { expiresIn: 1 });
  assert.equal((await stockOf(id)).reserved, 2);
  await waitFor(async () => (await stockOf(id)).reserved === 0, 'the reservation expires');
  assert.equal((await release(late)).json.status, 'expired');

  await reserve(faster, [{ productId: id, quantity: 2 }]);
  const { json } = await commit(late, 409);
  assert.equal(json.type, '/problems/out-of-stock');
  assert.deepEqual(json.items, [{ productId: id, requested: 2, available: 1 }]);
  await release(faster);
  assert.equal((await commit(late)).json.status, 'committed');
  assert.deepEqual(figures(await stockOf(id)), [1, 0, 1, 'low_stock']);
});

test('variants are stocked each for itself, with what they had from the start', async () => {
  const { json: shirt } = await shop.api('POST', '/products', {
    token: vendor.token,
    body: {
      name: 'Linen shirt', category: 'clothing/shirts', status: 'active', price: { amount: 3000, currency: 'EUR' },
      options: [{ name: 'Size', values: ['S', 'M'] }],
      variants: ['S', 'M'].map((size, i) => ({
        sku: shop.unique(`SHIRT-${size}`), options: { Size: size }, price: { amount: 3000, currency: 'EUR' }, stock: 6 + i,
      })),
    },
    expect: 201,
  });
  const [small, medium] = shirt.variants;
  await waitFor(async () => (await shop.api('GET', `/inventory/${medium.id}`)).status === 200, 'both are known');
  assert.deepEqual([(await stockOf(small.id)).onHand, (await stockOf(medium.id)).onHand], [6, 7]);
  await shop.api('GET', `/inventory/${shirt.id}`, { expect: 404 });
});

test('a product that becomes plain again shows the stock that it had', async () => {
  const product = await shop.createProduct({ vendor, stock: 5 });
  const path = `/products/${product.id}`;
  const put = (body) => shop.api('PUT', path, { token: vendor.token, body, expect: 200 });
  const price = { amount: 1000, currency: 'EUR' };
  await put({
    options: [{ name: 'Size', values: ['S'] }],
    variants: [{ sku: shop.unique('SIZED'), options: { Size: 'S' }, price }],
  });
  await waitFor(async () => (await shop.api('GET', `/inventory/${product.id}`)).status === 404, 'the plain one is gone');
  const again = { sku: shop.unique('PLAIN'), price };
  await shop.api('PUT', path, { token: vendor.token, body: { options: [], variants: [{ ...again, stock: 9 }] }, expect: 422 });
  const { json: plain } = await put({ options: [], variants: [again] });
  assert.equal(plain.variants[0].id, product.id);
  await waitFor(async () => (await shop.api('GET', path)).json.variants[0].stock.available === 5, 'its stock is shown');
  assert.equal((await stockOf(product.id)).onHand, 5);
});

// ---- bad input

describe('bad input: every fault is named, and nothing changes', () => {
  let product;
  const orderId = uuidv7();
  before(async () => {
    product = await newProduct(10);
  });

  const changes = [
    [{}, ['']],
    [{ reason: 'only' }, ['']],
    [{ onHand: 1, adjust: 1, reason: 'both' }, ['/adjust']],
    [{ adjust: 1 }, ['/reason']],
    [{ onHand: -1 }, ['/onHand']],
    [{ onHand: 1.5 }, ['/onHand']],
    [{ onHand: 1e9 + 1, lowStockThreshold: -1 }, ['/lowStockThreshold', '/onHand']],
    [{ onHand: '5', warehouse: 'Main Street', colour: 'red' }, ['/colour', '/onHand', '/warehouse']],
    [{ onHand: 5, warehouse: '' }, ['/warehouse']],
    [{ adjust: 1, reason: 'x'.repeat(501) }, ['/reason']],
  ];
  for (const [body, pointers] of changes) {
    test(`PUT ${JSON.stringify(body).slice(0, 100)}`, async () => {
      const { json } = await put(product.id, body, { expect: 422 });
      assert.deepEqual(json.errors.map(({ pointer }) => pointer).sort(), pointers);
      assert.equal((await stockOf(product.id)).onHand, 10);
    });
  }

  const reservations = [
    [() => ({}), ['/items', '/orderId']],
    [() => ({ orderId, items: [] }), ['/items']],
    [() => ({ orderId, items: [{}] }), ['/items/0/productId', '/items/0/quantity']],
    [() => ({ orderId, items: [{ productId: product.id, quantity: 0 }] }), ['/items/0/quantity']],
    [() => ({ orderId, items: [{ productId: product.id, quantity: 1_000_001 }] }), ['/items/0/quantity']],
    [() => ({ orderId, items: Array(101).fill({ productId: product.id, quantity: 1 }) }), ['/items']],
    [() => ({ orderId: 'x', items: [{ productId: 'y', quantity: 1, warehouse: 'main' }], expiresIn: 86_401 }),
      ['/expiresIn', '/items/0/productId', '/items/0/warehouse', '/orderId']],
    [() => ({ orderId, items: [{ productId: product.id, quantity: 1 }], expiresIn: 0 }), ['/expiresIn']],
  ];
  for (const [makeBody, pointers] of reservations) {
    test(`reserve: ${pointers.join(' ')}`, async () => {
      const { json } = await shop.api('POST', '/inventory/reserve',
        { token: service, body: makeBody(), expect: 422 });
      assert.deepEqual(json.errors.map(({ pointer }) => pointer).sort(), pointers);
      assert.equal((await stockOf(product.id)).reserved, 0);
    });
  }

  test('release and commit want an order', async () => {
    for (const what of ['release', 'commit']) {
      const { json } = await shop.api('POST', `/inventory/${what}`,
        { token: service, body: { orderId: 7, items: [] }, expect: 422 });
      assert.deepEqual(json.errors.map(({ pointer }) => pointer).sort(), ['/items', '/orderId']);
    }
  });
});

// ---- what nobody counts, and what may be sold before it is there

describe('stock without an end', () => {
  const states = ({ tracked, backorder, onHand, reserved, available, status }) =>
    [tracked, backorder, onHand, reserved, available, status];
  const shows = (id, status, available) => waitFor(async () => {
    const { stock } = await shop.get(`/products/${id}`);
    return stock.status === status && stock.available === available;
  }, `the product shows ${status}, ${available}`);
  let buyer;
  before(async () => { buyer = await shop.customer(); });
  const buys = (id, quantity) => shop.buy({ buyer, items: [{ productId: id, quantity }] });

  test('what is not tracked is always to be had, and is not counted down', async () => {
    const { id } = await newProduct(2);
    assert.deepEqual(states((await put(id, { tracked: false })).json), [false, 'deny', 2, 0, null, 'in_stock']);
    await shows(id, 'in_stock', null);
    const order = await buys(id, 50);
    assert.equal(order.status, 'paid');
    await waitFor(async () => (await stockOf(id)).reserved === 0, 'it is sold');
    assert.deepEqual(states(await stockOf(id)), [false, 'deny', 2, 0, null, 'in_stock']);
    // Nothing went out that could come back.
    await shop.api('PUT', `/orders/${order.id}/status`, { token: admin, body: { status: 'cancelled' }, expect: 200 });
    assert.deepEqual(states((await put(id, { tracked: true })).json), [true, 'deny', 2, 0, 2, 'low_stock']);
    await shows(id, 'low_stock', 2);
    assert.equal((await buys(id, 3)).status, 'cancelled');
  });

  test('what is reserved uncounted must be there before it is counted', async () => {
    const { id } = await newProduct(2);
    const orderId = uuidv7();
    await put(id, { tracked: false });
    await reserve(orderId, [{ productId: id, quantity: 9 }]);
    const { json } = await put(id, { tracked: true }, { expect: 409 });
    assert.deepEqual([json.type, json.onHand, json.reserved], ['/problems/below-reserved', 2, 9]);
    assert.equal((await put(id, { tracked: true, onHand: 12 })).json.available, 3);
    await commit(orderId);
    assert.deepEqual(states(await stockOf(id)), [true, 'deny', 3, 0, 3, 'low_stock']);
  });

  test('with backorder more is sold than there is, and owed', async () => {
    const { id } = await newProduct(3);
    assert.deepEqual(states((await put(id, { backorder: 'allow' })).json), [true, 'allow', 3, 0, 3, 'low_stock']);
    const order = await buys(id, 5);
    assert.equal(order.status, 'paid');
    await shows(id, 'backorder', -2);
    await waitFor(async () => (await stockOf(id)).onHand === -2, 'it is sold');
    const { json: owed, headers } = await shop.api('GET', `/inventory/${id}`, { expect: 200 });
    assert.deepEqual(states(owed), [true, 'allow', -2, 0, -2, 'backorder']);
    // What was read may be sent back; nothing else below 0 can be counted.
    await put(id, { ...owed, lowStockThreshold: 7 }, { headers: { 'if-match': headers.etag } });
    for (const body of [{ onHand: -1 }, { onHand: -3 }]) {
      const { json } = await put(id, body, { expect: 422 });
      assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/onHand']);
    }
    await put(id, { adjust: -1, reason: 'broken' }, { expect: 409 });
    // It cannot be denied while it is owed.
    assert.equal((await put(id, { backorder: 'deny' }, { expect: 409 })).json.type, '/problems/below-reserved');
    assert.deepEqual(states((await put(id, { adjust: 12, reason: 'delivery' })).json), [true, 'allow', 10, 0, 10, 'in_stock']);
    assert.equal((await put(id, { backorder: 'deny' })).json.status, 'in_stock');
    await shows(id, 'in_stock', 10);
    assert.equal((await buys(id, 11)).status, 'cancelled');
    const list = await shop.all('/inventory?status=backorder', vendor.token);
    assert.deepEqual(list.map(({ productId }) => productId).filter((found) => found === id), []);
  });

  test('several warehouses: the first one owes what none has', async () => {
    const { id } = await newProduct(1);
    await put(id, { warehouse: 'berlin', onHand: 2 });
    await put(id, { backorder: 'allow' });
    const orderId = uuidv7();
    const { json } = await reserve(orderId, [{ productId: id, quantity: 8 }]);
    assert.deepEqual(json.items, [
      { productId: id, quantity: 2, warehouse: 'berlin' }, { productId: id, quantity: 6, warehouse: 'main' },
    ]);
    await commit(orderId);
    assert.deepEqual((await stockOf(id)).warehouses, [
      { warehouse: 'berlin', onHand: 0, reserved: 0 }, { warehouse: 'main', onHand: -5, reserved: 0 },
    ]);
    await put(id, { warehouse: 'berlin', onHand: 9 });
    // In all there is enough, but not where it is owed.
    assert.equal((await put(id, { backorder: 'deny' }, { expect: 409 })).json.warehouse, 'main');
    await put(id, { warehouse: 'main', onHand: 0 });
    await put(id, { backorder: 'deny' });
  });

  test('carts, filters and a product of several variants follow', async () => {
    const product = await shop.createProduct({
      vendor, stock: 0, name: shop.unique('endless'), variants: ['S', 'M', 'L'].map((Size) => ({ options: { Size } })),
    });
    const [small, medium, large] = product.variants.map(({ id }) => id);
    const found = async () => (await shop.get(`/products?ids=${product.id}&inStock=true`)).items.length;
    assert.equal(await found(), 0);
    await put(medium, { backorder: 'allow' });
    await shows(product.id, 'backorder', 0);
    assert.equal(await found(), 1);
    assert.equal((await buys(medium, 4)).status, 'paid');
    await put(large, { onHand: 3 });
    // What one owes takes nothing from another.
    await shows(product.id, 'low_stock', 3);
    await put(small, { tracked: false });
    await shows(product.id, 'in_stock', null);
    const shown = (await shop.get(`/products/${product.id}`)).variants.map(({ stock }) => stock);
    assert.deepEqual(shown, [
      { status: 'in_stock', available: null }, { status: 'backorder', available: -4 }, { status: 'low_stock', available: 3 },
    ]);
    const { json: cart } = await shop.api('POST', '/carts', { token: buyer.token, expect: 201 });
    for (const productId of [small, medium, large]) {
      await shop.api('POST', `/carts/${cart.id}/items`, { token: buyer.token, body: { productId, quantity: 2 }, expect: [200, 201] });
    }
    const { lines } = await shop.get(`/carts/${cart.id}`, buyer.token);
    assert.deepEqual(lines.map(({ available }) => available), [null, null, 3]);
    await put(small, { tracked: true, onHand: 7 });
    await shows(product.id, 'in_stock', 10);
  });

  test('a product says what its stock begins with', async () => {
    const make = async (stock) => {
      const { json } = await shop.api('POST', '/products',
        { token: vendor.token, expect: 201, body: { name: 'E-book', price: { amount: 100, currency: 'EUR' }, stock } });
      await waitFor(async () => (await shop.api('GET', `/inventory/${json.id}`)).status === 200, 'Inventory knows it');
      return [json.stock, states(await stockOf(json.id))];
    };
    assert.deepEqual(await make({ available: null }), [{ status: 'in_stock', available: null }, [false, 'deny', 0, 0, null, 'in_stock']]);
    assert.deepEqual(await make({ status: 'backorder', available: -3 }),
      [{ status: 'backorder', available: 0 }, [true, 'allow', 0, 0, 0, 'backorder']]);
    assert.deepEqual(await make({ available: 4, backorder: 'allow' }),
      [{ status: 'in_stock', available: 4 }, [true, 'allow', 4, 0, 4, 'low_stock']]);
    for (const [body, pointers] of [[{ tracked: 'no' }, ['/tracked']], [{ backorder: true }, ['/backorder']], [{}, ['']]]) {
      const { id } = await newProduct(1);
      const { json } = await put(id, body, { expect: 422 });
      assert.deepEqual(json.errors.map(({ pointer }) => pointer), pointers);
    }
  });

  test('the audit is content with all of it', async () => {
    const { code, stdout } = await runSouk(['audit', '--data', shop.dataDir]);
    assert.equal(code, 0, stdout);
  });
});
