// Many at once: what must hold when requests, buyers and keys race. Nothing here depends on who
// wins; each test asserts what is true whoever does.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { uuidv7 } from './lib/requests.mjs';
import { ADDRESS, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const BUYERS = 300;
const UNITS_OF_EACH = 10; // of five products: 50 units

let shop, admin, service, vendor, buyers;

before(async () => {
  shop = await startShop();
  [admin, service, vendor] = await Promise.all([shop.admin(), shop.service(), shop.vendor()]);
  // Each buyer is an account of its own; its token comes with the log-in that register() does.
  buyers = await inParallel(Array.from({ length: BUYERS }), 16, () => shop.customer());
});

const paymentOf = (orderId) => shop.get(`/payments/${orderId}/status`, admin);
const succeeded = ({ transactions }, kind) =>
  transactions.filter((transaction) => transaction.kind === kind && transaction.status === 'succeeded');

const units = (orders) => orders
  .filter(({ status }) => status === 'paid')
  .flatMap(({ lines }) => lines)
  .reduce((sum, { quantity }) => sum + quantity, 0);

// Sends the same request `times` at once. All effects must be one: every answer is `status` with
// the same body, or says that the first is still running. Returns that body.
async function sameKeyAtOnce(times, request, status) {
  const answers = await Promise.all(Array.from({ length: times }, request));
  const done = answers.filter((answer) => answer.status === status);
  for (const answer of answers) {
    if (answer.status === status) continue;
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json.type, '/problems/idempotency-in-progress');
    assert.ok(Number(answer.headers['retry-after']) > 0);
  }
  assert.ok(done.length > 0, 'somebody is first');
  assert.equal(new Set(done.map(({ text }) => text)).size, 1, 'one effect has one answer');
  assert.equal(done.filter(({ headers }) => !headers['idempotency-replayed']).length, 1,
    'all but the first are replays');
  return done[0].json;
}

test('hundreds of buyers with repeated keys buy exactly the stock', async () => {
  const products = await inParallel([1, 2, 3, 4, 5], 5, (i) =>
    shop.createProduct({ vendor, name: `Sought after ${i}`, stock: UNITS_OF_EACH, price: 100 * i }));
  const stock = UNITS_OF_EACH * products.length;

  const orders = await inParallel(buyers, BUYERS, async (buyer, i) => {
    const key = `race-${i}`;
    const place = () => shop.buy({
      buyer, key, items: [{ productId: products[i % products.length].id, quantity: 1 }],
      whole: true, settled: false, expect: [201, 409],
    });
    const twice = await Promise.all([place(), place()]);
    const placed = twice.filter(({ status }) => status === 201);
    assert.ok(placed.length > 0);
    for (const { status, json } of twice) {
      if (status === 409) assert.equal(json.type, '/problems/idempotency-in-progress');
    }
    // By the third time the first is over, so this is what it answered then.
    const again = await place();
    assert.equal(again.status, 201);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.deepEqual(new Set([...placed, again].map(({ json }) => json.id)).size, 1);
    return shop.settled(again.json.id, buyer.token);
  });

  assert.equal(new Set(orders.map(({ id }) => id)).size, BUYERS);
  assert.equal(units(orders), stock);
  for (const order of orders.filter(({ status }) => status !== 'paid')) {
    assert.equal(order.status, 'cancelled');
    assert.equal(order.history.at(-1).reason, 'out-of-stock');
  }
  await inParallel(products, 5, ({ id }) => waitFor(async () => {
    const now = await shop.get(`/inventory/${id}`);
    return now.onHand === 0 && now.reserved === 0 && now.status === 'out_of_stock';
  }, `${id} is sold out`));
  await inParallel(orders, 16, async ({ id, status, total }) => {
    const payment = await paymentOf(id);
    assert.equal(succeeded(payment, 'charge').length, status === 'paid' ? 1 : 0);
    if (status === 'paid') assert.deepEqual(payment.paid, total);
  });
  // Nobody has a second order by a repeated key.
  await inParallel(buyers, 16, async ({ id, token }) =>
    assert.equal((await shop.all(`/orders/user/${id}`, token)).length, 1));
});

test('carts that share products in other orders neither block each other nor oversell', async () => {
  const products = await inParallel(['A', 'B', 'C', 'D'], 4, (letter) =>
    shop.createProduct({ vendor, name: `Shared ${letter}`, stock: 20 }));
  const orders = await inParallel(buyers.slice(0, 60), 60, (buyer, i) => {
    const rotated = products.map((_, j) => products[(i + (i % 2 ? j : products.length - j)) % products.length]);
    const items = rotated.slice(0, 2 + (i % 3)).map(({ id }, j) => ({ productId: id, quantity: 1 + ((i + j) % 2) }));
    return shop.buy({ buyer, items });
  });
  for (const { id } of products) {
    const sold = orders.filter(({ status }) => status === 'paid').flatMap(({ lines }) => lines)
      .filter(({ productId }) => productId === id).reduce((sum, { quantity }) => sum + quantity, 0);
    assert.ok(sold <= 20);
    await waitFor(async () => {
      const now = await shop.get(`/inventory/${id}`);
      return now.onHand === 20 - sold && now.reserved === 0;
    }, `${id} has ${20 - sold} left`);
  }
  assert.ok(orders.some(({ status }) => status === 'paid'));
});

test('the same order with the same key at once is one order, and its answer is repeated', async () => {
  const buyer = buyers[0];
  const product = await shop.createProduct({ vendor, stock: 10 });
  const before = (await shop.all(`/orders/user/${buyer.id}`, buyer.token)).length;
  const body = {
    items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa',
  };
  const place = (over = {}) => shop.api('POST', '/orders',
    { token: buyer.token, key: 'one-and-the-same', body, ...over });
  const first = await sameKeyAtOnce(12, () => place(), 201);

  const replay = await place({ expect: 201 });
  assert.equal(replay.headers['idempotency-replayed'], 'true');
  assert.equal(replay.headers.location, `/orders/${first.id}`);
  assert.deepEqual(replay.json, first);

  const other = await place({ body: { ...body, paymentMethod: 'tok_flaky' } });
  assert.equal(other.status, 422);
  assert.equal(other.json.type, '/problems/idempotency-key-reused');

  // The key is the caller's own: another caller's is another key.
  const elsewhere = await place({ token: buyers[1].token, expect: 201 });
  assert.notEqual(elsewhere.json.id, first.id);
  assert.equal(elsewhere.headers['idempotency-replayed'], undefined);

  assert.equal((await shop.all(`/orders/user/${buyer.id}`, buyer.token)).length, before + 1);
  assert.equal((await shop.settled(first.id, buyer.token)).status, 'paid');
});

test('a key whose request was refused had no effect, and is free for the request that is mended', async () => {
  const buyer = buyers[2];
  const key = shop.unique('refused');
  const product = await shop.createProduct({ vendor, stock: 1 });
  const place = (items) => shop.api('POST', '/orders',
    { token: buyer.token, key, body: { items, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' } });
  assert.equal((await place([])).status, 422);
  assert.equal((await place([])).status, 422);
  const mended = await place([{ productId: product.id, quantity: 1 }]);
  assert.equal(mended.status, 201);
  assert.equal(mended.headers['idempotency-replayed'], undefined);
});

test('changes of one stock at once add up', async () => {
  const product = await shop.createProduct({ vendor, stock: 100 });
  const deltas = Array.from({ length: 60 }, (_, i) => (i % 3 ? 2 : -1));
  await inParallel(deltas, deltas.length, (adjust) => shop.api('PUT', `/inventory/${product.id}`,
    { token: vendor.token, body: { adjust, reason: 'counted again' }, expect: 200 }));
  const stock = await shop.get(`/inventory/${product.id}`);
  assert.equal(stock.onHand, 100 + deltas.reduce((sum, delta) => sum + delta, 0));
  await waitFor(async () => (await shop.get(`/products/${product.id}`)).stock.available === stock.onHand,
    'the product shows the last of the changes');
});

test('a stock cannot fall below zero, however many take from it', async () => {
  const product = await shop.createProduct({ vendor, stock: 10 });
  const answers = await inParallel(Array.from({ length: 25 }), 25, () =>
    shop.api('PUT', `/inventory/${product.id}`,
      { token: vendor.token, body: { adjust: -1, reason: 'broken' }, expect: [200, 409] }));
  assert.equal(answers.filter(({ status }) => status === 200).length, 10);
  assert.equal((await shop.get(`/inventory/${product.id}`)).onHand, 0);
});

test('reservations at once are all or nothing, once per order, and never more than there is', async () => {
  const product = await shop.createProduct({ vendor, stock: 10 });
  const reserve = (orderId, quantity) => shop.api('POST', '/inventory/reserve',
    { token: service, body: { orderId, items: [{ productId: product.id, quantity }] }, expect: [201, 200, 409] });

  const one = uuidv7();
  const repeated = await Promise.all(Array.from({ length: 8 }, () => reserve(one, 3)));
  assert.equal(new Set(repeated.filter(({ status }) => status !== 409).map(({ json }) => json.reservationId)).size, 1);
  assert.equal((await shop.get(`/inventory/${product.id}`)).reserved, 3);

  const orders = Array.from({ length: 20 }, uuidv7);
  const answers = await inParallel(orders, 20, (id) => reserve(id, 1));
  assert.equal(answers.filter(({ status }) => status === 201).length, 7);
  for (const { status, json } of answers) {
    if (status !== 409) continue;
    assert.equal(json.type, '/problems/out-of-stock');
    assert.deepEqual(json.items, [{ productId: product.id, requested: 1, available: 0 }]);
  }

  await inParallel([one, ...orders], 21, (orderId) =>
    shop.api('POST', '/inventory/release', { token: service, body: { orderId } }));
  const now = await shop.get(`/inventory/${product.id}`);
  assert.deepEqual([now.onHand, now.reserved, now.available], [10, 0, 10]);
});

test('an order cancelled many times at once is cancelled once and refunded once', async () => {
  const buyer = buyers[3];
  const product = await shop.createProduct({ vendor, stock: 4 });
  const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 4 }] });
  assert.equal(order.status, 'paid');
  const answers = await Promise.all(Array.from({ length: 10 }, () =>
    shop.api('PUT', `/orders/${order.id}/status`,
      { token: buyer.token, body: { status: 'cancelled' }, expect: [200, 409] })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  await waitFor(async () => {
    const { onHand, reserved } = await shop.get(`/inventory/${product.id}`);
    return onHand === 4 && reserved === 0;
  }, 'the stock is back');
  const payment = await waitFor(async () => {
    const now = await paymentOf(order.id);
    return now.status === 'refunded' && now;
  }, 'the money is back');
  assert.equal(succeeded(payment, 'refund').length, 1);
  assert.equal((await shop.get(`/orders/${order.id}`, buyer.token)).history.filter(
    ({ status }) => status === 'cancelled').length, 1);
});

test('shipping and cancelling at once end in one of both, whole', async () => {
  const product = await shop.createProduct({ vendor, stock: 30 });
  await inParallel(buyers.slice(4, 14), 10, async (buyer) => {
    const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
    const move = (status, token) => shop.api('PUT', `/orders/${order.id}/status`,
      { token, body: { status }, expect: [200, 409] });
    const answers = await Promise.all([move('cancelled', buyer.token), move('shipped', vendor.token)]);
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    const { status } = await shop.get(`/orders/${order.id}`, buyer.token);
    await waitFor(async () => (await paymentOf(order.id)).status === (status === 'shipped' ? 'paid' : 'refunded'),
      `the payment follows ${status}`);
  });
});

test('refunds at once never exceed what was paid', async () => {
  const product = await shop.createProduct({ vendor, stock: 1, price: 1000 });
  const order = await shop.buy({ buyer: buyers[5], items: [{ productId: product.id, quantity: 1 }] });
  const refund = (key) => shop.api('POST', '/payments/refund', {
    token: admin, key, body: { orderId: order.id, amount: { amount: 100, currency: 'EUR' } }, expect: [201, 409],
  });
  const answers = await inParallel(Array.from({ length: 25 }), 25, () => refund(shop.unique('refund')));
  assert.equal(answers.filter(({ status }) => status === 201).length, 10);
  const payment = await paymentOf(order.id);
  assert.deepEqual(payment.refunded, { amount: 1000, currency: 'EUR' });
  assert.equal(payment.status, 'refunded');
});

test('charges of one order at once, from wherever, charge once', async () => {
  const product = await shop.createProduct({ vendor, stock: 1, price: 4200 });
  const { id: orderId } = await shop.buy({
    buyer: buyers[5], items: [{ productId: product.id, quantity: 1 }], headers: { prefer: 'respond-async' }, expect: 202,
    settled: false,
  });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    shop.api('POST', '/payments/charge', {
      token: i % 2 ? service : admin, key: shop.unique('charge'),
      body: { orderId, amount: { amount: 4200, currency: 'EUR' }, paymentMethod: 'tok_visa' },
    })));
  for (const { status, text } of answers) assert.ok(status === 201 || status === 409, text);
  assert.ok(answers.some(({ status }) => status === 201));
  assert.equal(new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.id)).size, 1);
  const payment = await paymentOf(orderId);
  assert.equal(succeeded(payment, 'charge').length, 1);
  assert.deepEqual(payment.paid, { amount: 4200, currency: 'EUR' });
});

test('charged by hand while it is cancelled, of whatever sum: its own is kept, or nothing', async () => {
  const product = await shop.createProduct({ vendor, stock: 20, price: 4200 });
  for (let i = 0; i < 8; i++) {
    const order = await shop.buy({
      buyer: buyers[5], items: [{ productId: product.id, quantity: 1 }], payment: 'tok_flaky',
      headers: { prefer: 'respond-async' }, expect: 202, settled: false,
    });
    const charge = (amount, currency) => shop.api('POST', '/payments/charge', {
      token: i % 2 ? service : admin, body: { orderId: order.id, amount: { amount, currency }, paymentMethod: 'tok_visa' },
      expect: amount === 4200 && currency === 'EUR' ? [201, 409] : 409,
    });
    const cancel = () => shop.api('PUT', `/orders/${order.id}/status`,
      { token: buyers[5].token, body: { status: 'cancelled' }, expect: [200, 409] });
    const acts = [() => charge(4200, 'EUR'), () => charge(1, 'JPY'), () => charge(4199, 'EUR'), ...(i % 4 ? [cancel] : [])];
    await Promise.all(acts.slice(i % 3).concat(acts.slice(0, i % 3)).map((act) => act()));
    const { status } = await shop.settled(order.id, buyers[5].token);
    const payment = await waitFor(async () => {
      const now = await paymentOf(order.id);
      return now.status !== 'processing' && (status !== 'cancelled' || now.paid.amount === now.refunded.amount) && now;
    }, `the money of an order that is ${status}`);
    const charges = succeeded(payment, 'charge');
    assert.ok(charges.length <= 1 && charges.every(({ amount }) => amount.amount === 4200 && amount.currency === 'EUR'));
    if (status !== 'cancelled') assert.deepEqual([payment.status, payment.paid.amount], ['paid', 4200]);
  }
});

test('one address registers once, one user reviews once, one slug is made once', async () => {
  const email = `${shop.unique('once')}@buyers.example`;
  const race = async (times, request) => {
    const answers = await Promise.all(Array.from({ length: times }, (_, i) => request(i)));
    assert.deepEqual(answers.map(({ status }) => status).sort(),
      [201, ...Array(times - 1).fill(409)], answers.map(({ text }) => text).join('\n'));
  };
  await race(6, (i) => shop.api('POST', '/users/register',
    { body: { email: i % 2 ? email.toUpperCase() : email, password: 'a-perfectly-fine-Passphrase-9' } }));
  const product = await shop.createProduct({ vendor });
  await race(6, (i) => shop.api('POST', '/reviews',
    { token: buyers[6].token, body: { productId: product.id, rating: 1 + (i % 5), comment: 'It is what it is.' } }));
  const slug = shop.unique('once-made');
  await race(6, (i) => shop.api('POST', '/products', {
    token: vendor.token,
    body: {
      name: `Same ${i}`, category: 'home', status: 'active', price: { amount: 5, currency: 'EUR' }, slug,
    },
  }));
});

test('lines that are added to one cart at once are all there', async () => {
  const { token } = buyers[7];
  const product = await shop.createProduct({ vendor, stock: 100 });
  const { json: cart } = await shop.api('POST', '/carts', { token, expect: 201 });
  await Promise.all(Array.from({ length: 15 }, () => shop.api('POST', `/carts/${cart.id}/items`,
    { token, body: { productId: product.id, quantity: 2 }, expect: [200, 201] })));
  const { lines } = await shop.get(`/carts/${cart.id}`, token);
  assert.deepEqual(lines.map(({ quantity }) => quantity), [30]);
});

test('a refresh token used many times at once has one successor', async () => {
  const { refreshToken } = await shop.login(buyers[8].email, buyers[8].password);
  const answers = await Promise.all(Array.from({ length: 8 }, () =>
    shop.api('POST', '/auth/refresh', { body: { refreshToken }, expect: 200 })));
  assert.equal(new Set(answers.map(({ json }) => json.refreshToken)).size, 1);
  const next = await shop.api('POST', '/auth/refresh',
    { body: { refreshToken: answers[0].json.refreshToken }, expect: 200 });
  assert.notEqual(next.json.refreshToken, answers[0].json.refreshToken);
});

test('of writers who read the same version one wins, the others are told', async () => {
  const product = await shop.createProduct({ vendor });
  const { headers } = await shop.api('GET', `/products/${product.id}`, { expect: 200 });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => shop.api('PUT', `/products/${product.id}`,
    { token: vendor.token, headers: { 'if-match': headers.etag }, body: { name: `Name ${i}` }, expect: [200, 412] })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test('behind all races the audit finds nothing', async () => {
  const audit = await runSouk(['audit', '--data', shop.dataDir]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
});
