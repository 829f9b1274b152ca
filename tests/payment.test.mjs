// Payment as its callers see it: charges, refunds and how they stand, with the sandbox provider.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { euros, uuidv7 } from './lib/requests.mjs';
import { runSouk, startShop, waitFor } from './lib/shop.mjs';

let shop, admin, service;

before(async () => {
  shop = await startShop();
  [admin, service] = await Promise.all([shop.admin(), shop.service()]);
});

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

// The events that Payment told of the order, oldest first.
async function toldOf(orderId) {
  const { stdout } = await runSouk(['events', '--data', shop.dataDir]);
  return stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    .filter(({ subject, source }) => subject === orderId && source === '/services/payment');
}

// ---- charges

test('a charge answers with its transaction, and the same for the same order', async () => {
  const orderId = uuidv7();
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
    ['PaymentSucceeded', { orderId, transactionId: id, amount: euros(1999), provider: 'sandbox' }],
  ]);
});

test('a paid order is not charged another amount, nor in another currency', async () => {
  const orderId = uuidv7();
  await charge(orderId, 1999, 'tok_visa', { expect: 201 });
  for (const amount of [euros(2000), { amount: 1999, currency: 'USD' }]) {
    const { json } = await charge(orderId, 0, 'tok_visa', { body: { amount }, expect: 409 });
    assert.equal(json.type, '/problems/already-paid');
  }
  assert.equal((await paymentOf(orderId)).transactions.length, 1);
});

test('a repeated key gives the stored answer, and no other body passes under it', async () => {
  const orderId = uuidv7();
  const key = shop.unique('charge');
  const first = await charge(orderId, 700, 'tok_visa', { key, expect: 201 });
  const again = await charge(orderId, 700, 'tok_visa', { key, expect: 201 });
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.headers.location, first.headers.location);
  assert.deepEqual(again.json, first.json);
  const { json } = await charge(uuidv7(), 700, 'tok_visa', { key, expect: 422 });
  assert.equal(json.type, '/problems/idempotency-key-reused');
});

test('a declined charge says why, and may be tried again with another method', async () => {
  const orderId = uuidv7();
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
    const orderId = uuidv7();
    const { json } = await charge(orderId, 900, method, { expect: 201 });
    assert.equal(json.status, 'succeeded');
    assert.deepEqual((await paymentOf(orderId)).transactions, [json]);
  });
}

test('many at once, by different methods: one transaction', async () => {
  const orderId = uuidv7();
  const methods = ['tok_timeout', 'tok_visa', 'tok_flaky'];
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    charge(orderId, 900, methods[i % 3], { expect: 201 })));
  assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
  assert.equal((await paymentOf(orderId)).transactions.length, 1);
});

test('a charge whose caller and whole program are killed is settled after the restart', async () => {
  const own = await startShop();
  const orderId = uuidv7();
  const token = await own.admin();
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

// ---- refunds

test('refunds in parts, then of all that is left', async () => {
  const orderId = uuidv7();
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
  assert.deepEqual(told.map(({ data }) => data), [
    { orderId, transactionId: part.json.id, amount: euros(400), refunded: euros(400), paid: euros(1000), reason: 'a scratch' },
    { orderId, transactionId: rest.json.id, amount: euros(600), refunded: euros(1000), paid: euros(1000) },
  ]);
});

test('a payment has an ETag, which every transaction changes', async () => {
  const orderId = uuidv7();
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
  const orderId = uuidv7();
  await refund(orderId, { expect: 409 });
  await charge(orderId, 500, 'tok_declined', { expect: 402 });
  const { json } = await refund(orderId, { amount: 1, expect: 409 });
  assert.equal(json.type, '/problems/refund-exceeds-payment');
});

test('a refund is of the currency that was paid', async () => {
  const orderId = uuidv7();
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  const { json } = await shop.api('POST', '/payments/refund',
    { token: admin, body: { orderId, amount: { amount: 100, currency: 'USD' } }, expect: 422 });
  assert.deepEqual(json.errors.map(({ pointer }) => pointer), ['/amount/currency']);
});

test('a repeated key refunds once', async () => {
  const orderId = uuidv7();
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

test('a refund that the provider declines changes nothing', async () => {
  const orderId = uuidv7();
  await charge(orderId, 500, 'tok_refund_declined', { expect: 201 });
  const { json } = await refund(orderId, { expect: 402 });
  assert.equal(json.code, 'refund_declined');
  const payment = await paymentOf(orderId);
  assert.equal(payment.status, 'paid');
  assert.deepEqual(payment.refunded, euros(0));
  assert.equal(payment.transactions.at(-1).status, 'failed');
});

// ---- who may look

test('who pays may look, others do not learn that there is anything', async () => {
  const [payer, other] = await Promise.all([shop.customer(), shop.customer()]);
  const orderId = uuidv7();
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

test('the payer is who was told first', async () => {
  const [payer, other] = await Promise.all([shop.customer(), shop.customer()]);
  const orderId = uuidv7();
  await charge(orderId, 500, 'tok_visa', { expect: 201 });
  await charge(orderId, 500, 'tok_visa', { body: { userId: payer.id }, expect: 201 });
  await charge(orderId, 500, 'tok_visa', { body: { userId: other.id }, expect: 201 });
  assert.equal((await paymentOf(orderId, payer.token)).status, 'paid');
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
