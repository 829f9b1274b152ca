// Payment as its callers see it: charges, refunds and how they stand, with the sandbox provider.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { euros, uuidv7 } from './lib/requests.mjs';
import { ADDRESS, runSouk, startShop, waitFor } from './lib/shop.mjs';

let shop, admin, service, buyer;

// Nobody keeps stock in this shop: its orders wait for it, and owe what they come to meanwhile.
const NO_STOCK = { SOUK_SERVICES: 'user,auth,product,order,payment,review,notification,analytics' };

before(async () => {
  shop = await startShop({ env: { ...NO_STOCK, SOUK_REFUND_RETRY_MS: '20' } });
  [admin, service, buyer] = await Promise.all([shop.admin(), shop.service(), shop.customer()]);
});

const products = {};

async function productOf(price, at) {
  const { token } = await at.someVendor();
  return (await at.api('POST', '/products', {
    token, body: { name: 'A thing', category: 'home', status: 'active', price }, expect: 201,
  })).json;
}

// The id of an order that is pending, and owes that much.
async function owing(amount, { currency = 'EUR', by = buyer, at = shop } = {}) {
  const price = { amount, currency };
  products[`${at.url} ${amount} ${currency}`] ??= productOf(price, at);
  const { id } = await products[`${at.url} ${amount} ${currency}`];
  const { json } = await at.api('POST', '/orders', {
    token: by.token, headers: { prefer: 'respond-async' }, expect: 202,
    body: { items: [{ productId: id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa' },
  });
  assert.deepEqual(json.total, price);
  return json.id;
}

// ---- what the tests ask again and again

const charge = (orderId, amount, paymentMethod = 'tok_visa', options = {}) =>
  shop.api('POST', '/payments/charge', {
    token: service, body: { orderId, amount: euros(amount), paymentMethod, ...options.body },
    key: options.key, expect: options.expect,
  });

const refund = (orderId, { amount, reason, key, expect, token = admin } = {}) =>
  shop.api('POST', '/payments/refund', {
    token, key, expect,
    body: { orderId, ...(amount ? { amount: euros(amount) } : {}), ...(reason ? { reason } : {}) },
  });

const paymentOf = (orderId, token = admin) => shop.get(`/payments/${orderId}/status`, token);

// What Payment tells of whose order it is.
async function buyerOf(orderId) {
  const { userId, number } = await shop.get(`/orders/${orderId}`, admin);
  return { userId, number };
}

// The events that Payment told of the order, oldest first.
async function toldOf(orderId) {
  const { stdout } = await runSouk(['events', '--data', shop.dataDir]);
  return stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    .filter(({ subject, source }) => subject === orderId && source === '/services/payment');
}

// ---- charges

test('a charge answers with its transaction, and the same for the same order', async () => {
  const orderId = await owing(1999);
  const first = await charge(orderId, 1999, 'tok_visa', { expect: 201 });
  assert.equal(first.headers.location, `/payments/${orderId}/status`);
  const { id, createdAt, providerReference, ...rest } = first.json;
  assert.deepEqual(rest, {
    orderId, kind: 'charge', amount: euros(1999), status: 'succeeded', provider: 'sandbox',
  });
  assert.ok(id && createdAt && providerReference);

  const again = await charge(orderId, 1999, 'tok_visa', { expect: 201 });
  assert.deepEqual(again.json, first.json);
  const otherMethod = await charge(orderId, 1999, 'tok_declined', { expect: 201 });
  assert.deepEqual(otherMethod.json, first.json);

  assert.deepEqual(await paymentOf(orderId), {
    orderId, status: 'paid', paid: euros(1999), refunded: euros(0), transactions: [first.json],
  });
  const told = await toldOf(orderId);
  assert.deepEqual(told.map(({ type, data }) => [type, data]), [
    ['PaymentSucceeded', { orderId, transactionId: id, amount: euros(1999), ...await buyerOf(orderId), provider: 'sandbox' }],
  ]);
});

test('a paid order is not charged another amount, nor in another currency', async () => {
  const orderId = await owing(1999);
  await charge(orderId, 1999, 'tok_visa', { expect: 201 });
  for (const amount of [euros(2000), { amount: 1999, currency: 'USD' }]) {
    const { json } = await charge(orderId, 0, 'tok_visa', { body: { amount }, expect: 409 });
    assert.equal(json.type, '/problems/already-paid');
  }
  assert.equal((await paymentOf(orderId)).transactions.length, 1);
});

test('a repeated key gives the stored answer, and no other body passes under it', async () => {
  const orderId = await owing(700);
  const key = shop.unique('charge');
  const first = await charge(orderId, 700, 'tok_visa', { key, expect: 201 });
  const again = await charge(orderId, 700, 'tok_visa', { key, expect: 201 });
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.headers.location, first.headers.location);
  assert.deepEqual(again.json, first.json);
  const { json } = await charge(await owing(700), 700, 'tok_visa', { key, expect: 422 });
  assert.equal(json.type, '/problems/idempotency-key-reused');
});

test('a declined charge says why, and may be tried again with another method', async () => {
  const orderId = await owing(500);
  const codes = {
    tok_declined: 'card_declined',
    tok_insufficient_funds: 'insufficient_funds',
    tok_nobody_has_heard_of: 'invalid_payment_method',
  };
  for (const [method, code] of Object.entries(codes)) {
    const { json } = await charge(orderId, 500, method, { expect: 402 });
    assert.equal(json.type, '/problems/payment-declined');
    assert.equal(json.code, code);
    const again = await charge(orderId, 500, method, { expect: 402 });
    assert.equal(again.json.transactionId, json.transactionId, 'it is not asked again');
    const payment = await paymentOf(orderId);
    assert.equal(payment.status, 'failed');
    const last = payment.transactions.at(-1);
    assert.equal(last.id, json.transactionId);
    assert.equal(last.failure.code, code);
    assert.ok(last.failure.message);
  }
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  const payment = await paymentOf(orderId);
  assert.equal(payment.status, 'paid');
  assert.deepEqual(payment.paid, euros(500));
  assert.deepEqual((await toldOf(orderId)).map(({ type, data }) => [type, data.code]), [
    ...Object.values(codes).map((code) => ['PaymentFailed', code]), ['PaymentSucceeded', undefined],
  ]);
});

for (const method of ['tok_timeout', 'tok_flaky']) {
  test(`${method}: asked until it answers, and charged once`, async () => {
    const orderId = await owing(900);
    const { json } = await charge(orderId, 900, method, { expect: 201 });
    assert.equal(json.status, 'succeeded');
    assert.deepEqual((await paymentOf(orderId)).transactions, [json]);
  });
}

test('many at once, by different methods: one transaction', async () => {
  const orderId = await owing(900);
  const methods = ['tok_timeout', 'tok_visa', 'tok_flaky'];
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    charge(orderId, 900, methods[i % 3], { expect: 201 })));
  assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
  assert.equal((await paymentOf(orderId)).transactions.length, 1);
});

test('a charge whose caller and whole program are killed is settled after the restart', async () => {
  const own = await startShop({ env: NO_STOCK });
  const token = await own.admin();
  const orderId = await owing(4200, { by: await own.customer(), at: own });
  // The sandbox has charged, and keeps silent, when the program is killed.
  const lost = own.api('POST', '/payments/charge',
    { token, body: { orderId, amount: euros(4200), paymentMethod: 'tok_timeout' } }).catch((error) => error);
  await waitFor(async () => (await own.get(`/payments/${orderId}/status`, token)).status === 'processing',
    'the intent is stored');
  await own.sigkill();
  assert.ok(await lost instanceof Error);
  await own.start();
  const again = await own.admin();
  const payment = await waitFor(async () => {
    const now = await own.get(`/payments/${orderId}/status`, again);
    return now.status !== 'processing' && now;
  }, 'the charge is settled, though nobody asks for it');
  assert.equal(payment.status, 'paid');
  assert.equal(payment.transactions.length, 1);
});

// ---- what is owed

describe('a charge is of what the order owes', () => {
  const tries = [euros(1), euros(2999), euros(3001), { amount: 1, currency: 'JPY' }, { amount: 3000, currency: 'USD' }];
  const asked = (orderId, amount, options = {}) => shop.api('POST', '/payments/charge', {
    token: admin, body: { orderId, amount, paymentMethod: 'tok_visa', ...options.body }, ...options.request,
  });
  const orderOf = (id) => shop.get(`/orders/${id}`, admin);

  test('another amount or currency is refused, and nothing is stored', async () => {
    const orderId = await owing(3000);
    for (const token of [admin, service]) {
      for (const amount of tries) {
        const { status, json } = await asked(orderId, amount, { request: { token, key: shop.unique('charge') } });
        assert.equal(status, 409, JSON.stringify(json));
        assert.equal(json.type, '/problems/amount-mismatch');
        assert.deepEqual(json.owed, euros(3000));
        assert.match(json.detail, /30\.00 EUR/);
      }
    }
    assert.deepEqual((await paymentOf(orderId)).transactions, []);
    assert.deepEqual([(await orderOf(orderId)).status, (await orderOf(orderId)).payment], ['pending', { status: 'none' }]);
    assert.deepEqual(await toldOf(orderId), []);

    // The key of a refusal is free; what is owed is charged, once, however often.
    const key = shop.unique('charge');
    assert.equal((await asked(orderId, euros(1), { request: { key } })).status, 409);
    const { json: paid } = await asked(orderId, euros(3000), { request: { key, expect: 201 } });
    assert.equal((await asked(orderId, euros(3000), { request: { expect: 201 } })).json.id, paid.id);
    await waitFor(async () => (await orderOf(orderId)).payment.status === 'paid', 'the order knows of it');
    assert.equal((await orderOf(orderId)).payment.transactionId, paid.id);
    for (const amount of tries) assert.equal((await asked(orderId, amount)).json.type, '/problems/already-paid');
  });

  test('an order that does not exist is none to be charged', async () => {
    for (const token of [admin, service]) {
      const orderId = uuidv7();
      const { status, json } = await asked(orderId, euros(3000), { request: { token } });
      assert.equal(status, 422);
      assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/orderId']);
      assert.deepEqual((await paymentOf(orderId)).transactions, []);
    }
  });

  test('what is cancelled, or costs nothing, owes nothing', async () => {
    const cancelled = await owing(3000);
    await shop.api('PUT', `/orders/${cancelled}/status`, { token: admin, body: { status: 'cancelled' }, expect: 200 });
    for (const orderId of [cancelled, await owing(0)]) {
      const { json } = await asked(orderId, euros(3000), { request: { expect: 409 } });
      assert.equal(json.type, '/problems/amount-mismatch');
      assert.deepEqual(json.owed, euros(0));
      assert.deepEqual((await paymentOf(orderId)).transactions, []);
    }
  });

  test('a declined charge is not tried again with another sum, nor once the order is cancelled', async () => {
    const orderId = await owing(3000);
    const declined = await charge(orderId, 3000, 'tok_declined', { expect: 402 });
    assert.equal((await asked(orderId, euros(1))).json.type, '/problems/amount-mismatch');
    await shop.api('PUT', `/orders/${orderId}/status`, { token: admin, body: { status: 'cancelled' }, expect: 200 });
    assert.equal((await asked(orderId, euros(3000))).json.type, '/problems/amount-mismatch');
    const again = await charge(orderId, 3000, 'tok_declined', { expect: 402 });
    assert.equal(again.json.transactionId, declined.json.transactionId);
  });

  test('a client that calls itself order is asked what is owed like any other', async () => {
    const { json: client } = await shop.api('POST', '/auth/clients', { token: admin, body: { name: 'order' }, expect: 201 });
    const { json: { access_token: token } } = await shop.api('POST', '/auth/token', { expect: 200,
      form: { grant_type: 'client_credentials', client_id: client.clientId, client_secret: client.clientSecret } });
    const orderId = await owing(3000);
    assert.equal((await asked(orderId, euros(1), { request: { token } })).status, 409);
    assert.equal((await asked(uuidv7(), euros(1), { request: { token } })).status, 422);
  });

  test('where Order does not answer nothing is charged', async () => {
    const alone = await startShop({ env: { SOUK_SERVICES: 'user,auth,payment' } });
    const token = await alone.admin();
    const orderId = uuidv7();
    await alone.api('POST', '/payments/charge',
      { token, body: { orderId, amount: euros(1), paymentMethod: 'tok_visa' }, expect: 503 });
    assert.deepEqual((await alone.get(`/payments/${orderId}/status`, token)).transactions, []);
  });
});

const hex = (id) => `x'${id.replaceAll('-', '')}'`;

// Changes what a shop that is closed has stored.
function runSql(dataDir, name, sql) {
  execFileSync('/usr/bin/python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n' +
    'c.executescript(sys.argv[2])\nc.close()\n', join(dataDir, `${name}.db`), sql]);
}

// As an older program left them: it compared no sums.
function underWay(dataDir, charges) {
  const rows = charges.map(([orderId, amount, currency]) => `(${hex(orderId)}, 1, ${hex(uuidv7())}, 'charge', 'processing', ` +
    `${amount}, '${currency}', 'sandbox', '${orderId}', 'tok_visa', 1, 0, 1, 1)`);
  runSql(dataDir, 'payment', 'INSERT INTO transactions (order_id, number, id, kind, status, amount, currency, provider, provider_key, payment_method,' +
    ` attempts, next_try_at, created_at, updated_at) VALUES ${rows.join(', ')};`);
}

test('money that came for an order that cannot take it goes back, and pays nothing', async () => {
  const old = await startShop();
  const me = await old.customer();
  const gift = await old.createProduct({ price: 0, stock: 5 });
  const free = await old.buy({ buyer: me, items: [{ productId: gift.id, quantity: 1 }] });
  assert.equal(free.status, 'paid');
  await old.restart({ env: NO_STOCK });
  const place = (amount) => owing(amount, { by: me, at: old });
  const [yen, less, off, right] = [await place(3000), await place(3000), await place(3000), await place(3000)];
  await old.api('PUT', `/orders/${off}/status`, { token: me.token, body: { status: 'cancelled' }, expect: 200 });
  const nobodys = uuidv7();
  assert.equal(await old.sigterm(), 0);
  underWay(old.dataDir, [[yen, 1, 'JPY'], [less, 2999, 'EUR'], [off, 3000, 'EUR'], [right, 3000, 'EUR'], [free.id, 500, 'EUR'],
    [nobodys, 700, 'EUR']]);
  await old.start();

  const token = await old.admin();
  for (const orderId of [yen, less, off, free.id, nobodys]) {
    const { paid, refunded } = await waitFor(async () => {
      const payment = await old.get(`/payments/${orderId}/status`, token);
      return payment.status === 'refunded' && payment;
    }, `what was charged for ${orderId} is given back`);
    assert.deepEqual(refunded, paid);
  }
  const orderOf = (id) => old.get(`/orders/${id}`, token);
  for (const orderId of [yen, less]) {
    await waitFor(async () => (await orderOf(orderId)).payment.status === 'refunded', 'the order knows of it');
    const { status, history } = await orderOf(orderId);
    assert.deepEqual([status, history.map((step) => step.status), history.at(-1).reason],
      ['cancelled', ['pending', 'cancelled'], 'wrong-sum']);
  }
  assert.equal((await orderOf(free.id)).status, 'paid');
  await waitFor(async () => (await orderOf(right)).payment.status === 'paid', 'the right sum is kept');
  assert.equal((await orderOf(right)).status, 'pending');
  await waitFor(async () => {
    const { stdout } = await runSouk(['audit', '--data', old.dataDir, '--json']);
    return JSON.parse(stdout).rules.filter(({ kept }) => !kept).length === 0;
  }, 'the audit finds nothing');
});

test('what was charged by hand before there was stock is paid with its own sum alone, also if a part was given back', async () => {
  const own = await startShop();
  const me = await own.customer();
  const lamp = await own.createProduct({ price: 3000, stock: 5 });
  await own.restart({ env: NO_STOCK });
  const token = await own.admin();
  const place = async () => (await own.api('POST', '/orders', { token: me.token, headers: { prefer: 'respond-async' }, expect: 202,
    body: { items: [{ productId: lamp.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_declined' } })).json.id;
  const ids = [await place(), await place(), await place()];
  const [whole, part, yen] = ids;
  for (const orderId of ids) {
    await own.api('POST', '/payments/charge', { token, expect: 201, body: { orderId, amount: euros(3000), paymentMethod: 'tok_visa' } });
  }
  await own.api('POST', '/payments/refund', { token, expect: 201, body: { orderId: part, amount: euros(400) } });
  const says = async (id, status) => (await own.get(`/orders/${id}`, token)).payment.status === status;
  for (const [id, status] of [[whole, 'paid'], [part, 'partially_refunded'], [yen, 'paid']]) {
    await waitFor(() => says(id, status), `${id} is ${status}`);
  }
  assert.equal(await own.sigterm(), 0);
  // An older program took a yen for it, too.
  runSql(own.dataDir, 'payment', `UPDATE transactions SET amount = 1, currency = 'JPY' WHERE order_id = ${hex(yen)}`);
  runSql(own.dataDir, 'sandbox', `UPDATE charges SET amount = 1, currency = 'JPY' WHERE order_id = '${yen}'`);
  await own.restart({ env: { SOUK_SERVICES: 'all' } });
  const again = await own.admin();
  for (const [id, status, payment] of [[whole, 'paid', 'paid'], [part, 'paid', 'partially_refunded'], [yen, 'cancelled', 'refunded']]) {
    await waitFor(async () => (await own.get(`/orders/${id}`, again)).payment.status === payment, `the payment of ${id} is ${payment}`);
    assert.equal((await own.settled(id, again)).status, status);
  }
  assert.equal((await own.get(`/orders/${yen}`, again)).history.at(-1).reason, 'wrong-sum');
  assert.equal((await own.get(`/payments/${part}/status`, again)).refunded.amount, 400);
  await waitFor(async () => {
    const { stdout } = await runSouk(['audit', '--data', own.dataDir, '--json']);
    return JSON.parse(stdout).rules.filter(({ kept }) => !kept).length === 0;
  }, 'the audit finds nothing');
});

// ---- refunds

test('refunds in parts, then of all that is left', async () => {
  const orderId = await owing(1000);
  const { json: paid } = await charge(orderId, 1000, 'tok_visa', { expect: 201 });
  const part = await refund(orderId, { amount: 400, reason: 'a scratch', expect: 201 });
  assert.equal(part.headers.location, `/payments/${orderId}/status`);
  assert.equal(part.json.kind, 'refund');
  assert.deepEqual(part.json.amount, euros(400));
  assert.notEqual(part.json.providerReference, paid.providerReference);
  assert.equal((await paymentOf(orderId)).status, 'partially_refunded');

  const tooMuch = await refund(orderId, { amount: 601, expect: 409 });
  assert.equal(tooMuch.json.type, '/problems/refund-exceeds-payment');
  const rest = await refund(orderId, { expect: 201, token: service });
  assert.deepEqual(rest.json.amount, euros(600));
  await refund(orderId, { expect: 409 });
  await refund(orderId, { amount: 1, expect: 409 });

  const payment = await paymentOf(orderId);
  assert.equal(payment.status, 'refunded');
  assert.deepEqual(payment.refunded, euros(1000));
  assert.deepEqual(payment.transactions, [paid, part.json, rest.json]);
  const told = (await toldOf(orderId)).filter(({ type }) => type === 'PaymentRefunded');
  const by = await buyerOf(orderId);
  assert.deepEqual(told.map(({ data }) => data), [
    { orderId, transactionId: part.json.id, amount: euros(400), ...by, refunded: euros(400), paid: euros(1000), reason: 'a scratch' },
    { orderId, transactionId: rest.json.id, amount: euros(600), ...by, refunded: euros(1000), paid: euros(1000) },
  ]);
});

test('a payment has an ETag, which every transaction changes', async () => {
  const orderId = await owing(1000);
  const look = (etag) => shop.api('GET', `/payments/${orderId}/status`, { token: admin, headers: { 'if-none-match': etag } });
  const tags = [(await look('"none"')).headers.etag];
  for (const act of [
    () => charge(orderId, 1000, 'tok_declined', { expect: 402 }), () => charge(orderId, 1000, 'tok_visa', { expect: 201 }),
    () => refund(orderId, { amount: 400, expect: 201 }),
  ]) {
    assert.equal((await look(tags[0])).status, 304);
    await act();
    const { status, headers } = await look(tags[0]);
    assert.equal(status, 200);
    tags.unshift(headers.etag);
  }
  assert.equal(new Set(tags).size, 4);
});

test('what was not paid is not refunded', async () => {
  const orderId = await owing(500);
  await refund(orderId, { expect: 409 });
  await charge(orderId, 500, 'tok_declined', { expect: 402 });
  const { json } = await refund(orderId, { amount: 1, expect: 409 });
  assert.equal(json.type, '/problems/refund-exceeds-payment');
});

test('a refund is of the currency that was paid', async () => {
  const orderId = await owing(500);
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  const { json } = await shop.api('POST', '/payments/refund',
    { token: admin, body: { orderId, amount: { amount: 100, currency: 'USD' } }, expect: 422 });
  assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/amount/currency']);
});

test('a repeated key refunds once', async () => {
  const orderId = await owing(500);
  const key = shop.unique('refund');
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  const first = await refund(orderId, { amount: 100, key, expect: 201 });
  const again = await refund(orderId, { amount: 100, key, expect: 201 });
  assert.deepEqual(again.json, first.json);
  await refund(orderId, { amount: 200, key, expect: 422 });
  // Another caller's key is another key.
  const other = await refund(orderId, { amount: 100, key, expect: 201, token: service });
  assert.notEqual(other.json.id, first.json.id);
  assert.deepEqual((await paymentOf(orderId)).refunded, euros(200));
});

test('a refund that the provider declines each time changes nothing', async () => {
  const orderId = await owing(500);
  await charge(orderId, 500, 'tok_refund_declined', { expect: 201 });
  const { json } = await refund(orderId, { expect: 201 });
  assert.equal(json.status, 'processing');
  const payment = await waitFor(async () => {
    const now = await paymentOf(orderId);
    return now.transactions.at(-1).status === 'failed' && now;
  }, 'the refund has failed');
  assert.equal(payment.status, 'paid');
  assert.deepEqual(payment.refunded, euros(0));
  assert.equal(payment.transactions.at(-1).failure.code, 'refund_declined');
  const told = (await toldOf(orderId)).filter(({ type }) => type !== 'PaymentSucceeded');
  assert.deepEqual(told.map(({ type, data }) => [type, data.transactionId]), [['RefundFailed', json.id]]);
});

// ---- who may look

test('who pays may look, others do not learn that there is anything', async () => {
  const [payer, other] = await Promise.all([shop.customer(), shop.customer()]);
  const orderId = await owing(500, { by: payer });
  assert.deepEqual(await paymentOf(orderId),
    { orderId, status: 'none', paid: euros(0), refunded: euros(0), transactions: [] });
  await shop.api('GET', `/payments/${orderId}/status`, { token: payer.token, expect: 404 });

  await charge(orderId, 500, 'tok_visa', { body: { userId: payer.id }, expect: 201 });
  assert.equal((await paymentOf(orderId, payer.token)).status, 'paid');
  assert.equal((await paymentOf(orderId, service)).status, 'paid');
  await shop.api('GET', `/payments/${orderId}/status`, { token: other.token, expect: 404 });
  await shop.api('GET', `/payments/${orderId}/status`, { expect: 401 });
  await shop.api('GET', '/payments/not-an-id/status', { token: admin, expect: 404 });
});

test('who pays is who placed the order, whoever is named', async () => {
  const other = await shop.customer();
  const orderId = await owing(500);
  const { json } = await charge(orderId, 500, 'tok_visa', { body: { userId: other.id }, expect: 422 });
  assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/userId']);
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  assert.equal((await paymentOf(orderId, buyer.token)).status, 'paid');
  await shop.api('GET', `/payments/${orderId}/status`, { token: other.token, expect: 404 });
});

// ---- bad input

describe('bad input: every fault is named, and nothing is stored', () => {
  const orderId = uuidv7();
  const good = { orderId, amount: euros(500), paymentMethod: 'tok_visa' };
  const rows = [
    ['charge', {}, ['/amount', '/orderId', '/paymentMethod']],
    ['charge', { ...good, orderId: 'x' }, ['/orderId']],
    ['charge', { ...good, amount: euros(0) }, ['/amount/amount']],
    ['charge', { ...good, amount: euros(-1) }, ['/amount/amount']],
    ['charge', { ...good, amount: euros(1.5) }, ['/amount/amount']],
    ['charge', { ...good, amount: euros(1e12 + 1) }, ['/amount/amount']],
    ['charge', { ...good, amount: { amount: 1, currency: 'XYZ' } }, ['/amount/currency']],
    ['charge', { ...good, amount: 500 }, ['/amount']],
    ['charge', { ...good, paymentMethod: '4242424242424242' }, ['/paymentMethod']],
    ['charge', { ...good, paymentMethod: '4242-4242-4242-4242' }, ['/paymentMethod']],
    ['charge', { ...good, paymentMethod: 'tok visa' }, ['/paymentMethod']],
    ['charge', { ...good, paymentMethod: '' }, ['/paymentMethod']],
    ['charge', { ...good, paymentMethod: 'x'.repeat(201) }, ['/paymentMethod']],
    ['charge', { ...good, userId: 7, cvc: '123' }, ['/cvc', '/userId']],
    ['refund', {}, ['/orderId']],
    ['refund', { orderId, amount: euros(0) }, ['/amount/amount']],
    ['refund', { orderId, amount: null }, ['/amount']],
    ['refund', { orderId, reason: '' }, ['/reason']],
    ['refund', { orderId, reason: 'x'.repeat(501) }, ['/reason']],
    ['refund', { orderId, paymentMethod: 'tok_visa' }, ['/paymentMethod']],
  ];
  for (const [what, body, pointers] of rows) {
    test(`${what} ${JSON.stringify(body).slice(0, 120)}`, async () => {
      const { json } = await shop.api('POST', `/payments/${what}`, { token: admin, body, expect: 422 });
      assert.equal(json.type, '/problems/validation-failed');
      assert.deepEqual(json.errors.map(({ pointer }) => pointer).sort(), pointers);
      assert.equal((await paymentOf(orderId)).status, 'none');
    });
  }
});
