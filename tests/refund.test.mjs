// Refunds that the provider refuses: tried again, then failed; who is told of what, and when.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { assertAudit } from './lib/audit.mjs';
import { euros, uuidv7 } from './lib/requests.mjs';
import { startShop, waitFor } from './lib/shop.mjs';

const MONEY_IS_COMING = /refund|money|on its way back|given back|returned/i;

let shop, admin, vendor;

before(async () => {
  shop = await startShop({ env: { SOUK_REFUND_RETRY_MS: '20' } });
  [admin, vendor] = await Promise.all([shop.admin(), shop.someVendor()]);
});

const paymentOf = (orderId) => shop.get(`/payments/${orderId}/status`, admin);
const refundsOf = async (orderId) =>
  (await paymentOf(orderId)).transactions.filter(({ kind }) => kind === 'refund');
const refund = (orderId, { body, ...options } = {}) => shop.api('POST', '/payments/refund',
  { token: admin, body: { orderId, ...body }, ...options });
const failedRefunds = (own = shop, token = admin) => own.all('/payments?kind=refund&status=failed', token);
const settledRefund = (orderId) => waitFor(async () => {
  const [one] = await refundsOf(orderId);
  return one && one.status !== 'processing' && one;
}, `the refund of ${orderId} has its outcome`);
const messagesOf = (userId, own = shop, token = admin) => own.all(`/notifications?userId=${userId}`, token);
const told = async (userId, template) => (await messagesOf(userId)).filter((one) => one.template === template);
const move = (orderId, status, token, options = {}) =>
  shop.api('PUT', `/orders/${orderId}/status`, { token, body: { status }, ...options });

async function bought(payment, price = 9999) {
  const buyer = await shop.customer();
  const { id } = await shop.createProduct({ price, stock: 5 });
  const order = await shop.buy({ buyer, items: [{ productId: id, quantity: 1 }], payment });
  assert.equal(order.status, 'paid');
  return { buyer, order };
}

describe('a refund that the provider always refuses', () => {
  let buyer, order, failed;

  test('of a cancelled order is tried again, and has then failed', async () => {
    ({ buyer, order } = await bought('tok_refund_declined'));
    await move(order.id, 'cancelled', buyer.token, { expect: 200 });
    failed = await settledRefund(order.id);
    assert.equal(failed.status, 'failed');
    assert.equal(failed.failure.code, 'refund_declined');
    assert.deepEqual(failed.amount, order.total);
    const { refunded, status } = await paymentOf(order.id);
    assert.deepEqual(refunded, euros(0));
    assert.equal(status, 'paid');
    const refusals = shop.logLines().filter(({ event, message }) =>
      event === 'payment.refund-refused' && message.includes(failed.id));
    assert.ok(refusals.length >= 3, `${refusals.length} refusals were logged`);
  });

  test('is listed for admins', async () => {
    const listed = await failedRefunds();
    assert.deepEqual(listed.find(({ id }) => id === failed.id), failed);
    assert.ok(listed.every(({ kind, status }) => kind === 'refund' && status === 'failed'));
  });

  test('is told to every admin, once', async () => {
    const { items: admins } = await shop.get('/users?role=admin&status=active', admin);
    assert.ok(admins.length >= 1);
    for (const { id, email } of admins) {
      const about = await waitFor(async () => {
        const all = (await told(id, 'refund_failed')).filter(({ body }) => body.includes(failed.id));
        return all.length > 0 && all.every(({ status }) => status === 'sent') && all;
      }, `${email} is told`);
      assert.equal(about.length, 1);
      assert.equal(about[0].to, email);
      assert.match(about[0].subject, /99\.99 EUR/);
      assert.ok(about[0].subject.includes(order.number));
    }
  });

  test('is not begun anew, and the customer was promised nothing', async () => {
    await waitFor(() => shop.logLines().some(({ event, message }) =>
      event === 'order.refund-failed' && message.includes(order.id)), 'the order gives it up');
    assert.equal((await refundsOf(order.id)).length, 1);
    const messages = await messagesOf(buyer.id);
    assert.equal(messages.filter(({ template }) => template === 'order_cancelled').length, 1);
    for (const { subject, body } of messages) assert.doesNotMatch(`${subject} ${body}`, MONEY_IS_COMING);
    await assertAudit(shop.dataDir);
  });

  test('an admin tries it again by hand', async () => {
    const { json } = await refund(order.id, { expect: 201 });
    assert.equal(json.status, 'processing');
    assert.notEqual(json.id, failed.id);
    await waitFor(async () => (await refundsOf(order.id)).every(({ status }) => status === 'failed'), 'it fails again');
    assert.equal((await refundsOf(order.id)).length, 2);
  });
});

test('a refund that is refused twice arrives, and the customer is told once, when it has', async () => {
  const { buyer, order } = await bought('tok_refund_flaky');
  await move(order.id, 'cancelled', buyer.token, { expect: 200 });
  const { status, providerReference } = await settledRefund(order.id);
  assert.equal(status, 'succeeded');
  assert.ok(providerReference);
  const { refunded } = await paymentOf(order.id);
  assert.deepEqual(refunded, order.total);
  const [message, more] = await waitFor(async () => {
    const all = await told(buyer.id, 'refund');
    return all.length > 0 && all;
  }, 'the customer is told');
  assert.equal(more, undefined);
  assert.match(message.subject, /99\.99 EUR/);
  const [cancelled] = await told(buyer.id, 'order_cancelled');
  assert.doesNotMatch(cancelled.body, MONEY_IS_COMING);
  await waitFor(async () => (await shop.get(`/orders/${order.id}`, buyer.token)).payment.status === 'refunded',
    'the order knows');
  assert.equal((await refundsOf(order.id)).length, 1);
});

test('while it is tried again its sum is held, and its key answers as it did', async () => {
  const own = await startShop({ env: { SOUK_REFUND_RETRY_MS: '3600000' } });
  const token = await own.admin();
  const buyer = await own.customer();
  const { id } = await own.createProduct({ price: 5000, stock: 5 });
  const order = await own.buy({ buyer, items: [{ productId: id, quantity: 1 }], payment: 'tok_refund_declined' });
  const ask = (body, options) => own.api('POST', '/payments/refund', { token, body: { orderId: order.id, ...body }, ...options });
  const key = own.unique('refund');
  const { json } = await ask({}, { key, expect: 201 });
  assert.equal(json.status, 'processing');
  assert.equal(json.failure, undefined);
  const { json: tooMuch } = await ask({ amount: euros(1) }, { expect: 409 });
  assert.equal(tooMuch.type, '/problems/refund-exceeds-payment');
  assert.deepEqual(await failedRefunds(own, token), []);

  // What is about to be given back is not sent.
  const { json: refused } = await own.api('PUT', `/orders/${order.id}/status`,
    { token, body: { status: 'shipped' }, expect: 409 });
  assert.equal(refused.type, '/problems/illegal-transition');

  await own.restart();
  const again = await ask({}, { key, expect: 201 });
  assert.deepEqual(again.json, json);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  const { transactions } = await own.get(`/payments/${order.id}/status`, token);
  assert.equal(transactions.filter(({ kind }) => kind === 'refund').length, 1);

  // With fewer attempts it fails at the next: the bound is of the setting, over restarts.
  await own.restart({ env: { SOUK_REFUND_ATTEMPTS: '1' } });
  const { json: last } = await own.api('POST', '/payments/refund', {
    token, body: { orderId: await paidOrder(own, buyer, id), amount: euros(100) }, expect: 402,
  });
  assert.equal(last.code, 'refund_declined');
  assert.equal((await failedRefunds(own, token)).length, 1);
});

async function paidOrder(own, buyer, productId) {
  return (await own.buy({ buyer, items: [{ productId, quantity: 1 }], payment: 'tok_refund_declined' })).id;
}

test('a refund survives kills between its tries, and is told once', async () => {
  const own = await startShop({ env: { SOUK_REFUND_RETRY_MS: '50' } });
  let token = await own.admin();
  const buyer = await own.customer();
  const { id } = await own.createProduct({ price: 5000, stock: 50 });
  const orders = [];
  for (let i = 0; i < 6; i++) {
    const payment = i % 2 ? 'tok_refund_declined' : 'tok_refund_flaky';
    orders.push(await own.buy({ buyer, items: [{ productId: id, quantity: 1 }], payment }));
  }
  for (const { id: order } of orders) {
    await own.api('PUT', `/orders/${order}/status`, { token: buyer.token, body: { status: 'cancelled' }, expect: 200 });
    await own.sigkill();
    await own.start();
  }
  own.tokens = {};
  token = await own.admin();
  for (const [i, { id: order, number }] of orders.entries()) {
    const wanted = i % 2 ? 'failed' : 'succeeded';
    await waitFor(async () => {
      const { transactions } = await own.get(`/payments/${order}/status`, token);
      const refunds = transactions.filter(({ kind }) => kind === 'refund');
      return refunds.length === 1 && refunds[0].status === wanted;
    }, `one refund of ${number} has ${wanted}`);
  }
  const { items: [{ id: adminId }] } = await own.get('/users?role=admin', token);
  await waitFor(async () => {
    const messages = (await own.all('/notifications', token)).filter(({ template }) => template === 'refund_failed');
    assert.ok(messages.length <= 3);
    return messages.length === 3 && messages.every(({ userId, status }) => userId === adminId && status === 'sent');
  }, 'the admin is told of each that has failed');
  const refunded = (await messagesOf(buyer.id, own, token)).filter(({ template }) => template === 'refund');
  assert.equal(refunded.length, 3);
  await assertAudit(own.dataDir);
});

describe('what is fully refunded is not shipped', () => {
  test('by whom and however soon, but what is refunded in part is', async () => {
    const { order } = await bought('tok_visa');
    await refund(order.id, { body: { amount: euros(9998) }, expect: 201 });
    await refund(order.id, { expect: 201 });
    for (const token of [vendor.token, admin]) {
      const { json } = await move(order.id, 'shipped', token, { expect: 409 });
      assert.equal(json.type, '/problems/illegal-transition');
      assert.ok(!json.allowed.includes('shipped'));
      assert.match(json.detail, /refunded/);
    }
    await move(order.id, 'cancelled', admin, { expect: 200 });

    const { order: part } = await bought('tok_visa');
    await refund(part.id, { body: { amount: euros(9998) }, expect: 201 });
    await move(part.id, 'shipped', vendor.token, { expect: 200 });
  });

  test('but once the refund has failed it may be', async () => {
    const { order } = await bought('tok_refund_declined');
    await refund(order.id, { expect: 201 });
    await settledRefund(order.id);
    await move(order.id, 'shipped', vendor.token, { expect: 200 });
  });
});

describe('GET /payments', () => {
  test('lists all, the newest first, page by page, by kind and status', async () => {
    const all = await shop.all('/payments', admin, 3);
    const ids = all.map(({ id }) => id);
    assert.ok(ids.length > 6);
    assert.deepEqual(ids, [...new Set(ids)].sort().reverse());
    for (const query of ['kind=charge', 'kind=refund', 'status=succeeded', 'status=failed', 'status=processing',
      'kind=refund&status=succeeded', 'kind=charge&status=failed', 'kind=refund&status=processing']) {
      const wanted = Object.fromEntries(new URLSearchParams(query));
      const found = await shop.all(`/payments?${query}`, admin, 2);
      assert.deepEqual(found.map(({ id }) => id),
        all.filter((one) => Object.entries(wanted).every(([name, value]) => one[name] === value)).map(({ id }) => id), query);
    }
  });

  test('names every fault of its parameters', async () => {
    const { json } = await shop.api('GET', '/payments?kind=gift&status=lost&limit=0&cursor=x', { token: admin, expect: 422 });
    assert.deepEqual(json.errors.map(({ parameter }) => parameter).sort(), ['cursor', 'kind', 'limit', 'status']);
    const { json: page } = await shop.api('GET', '/users?limit=1', { token: admin, expect: 200 });
    await shop.api('GET', `/payments?cursor=${page.nextCursor}`, { token: admin, expect: 422 });
  });
});

describe('errors name sums as people read them', () => {
  for (const [currency, amount, text] of [['EUR', 9999, '99.99 EUR'], ['JPY', 9999, '9999 JPY'], ['KWD', 9999, '9.999 KWD']]) {
    test(text, async () => {
      const { order } = await bought('tok_visa', { amount, currency });
      const orderId = order.id;
      const { json } = await refund(orderId, { body: { amount: { amount: amount + 1, currency } }, expect: 409 });
      assert.ok(json.detail.includes(text), json.detail);
      const wrong = await shop.api('POST', '/payments/charge', {
        token: admin, body: { orderId, amount: { amount: 1, currency }, paymentMethod: 'tok_visa' }, expect: 409,
      });
      assert.ok(wrong.json.detail.includes(text), wrong.json.detail);
    });
  }

  test('of an order that does not exist nothing is refunded', async () => {
    const { json } = await refund(uuidv7(), { expect: 409 });
    assert.equal(json.type, '/problems/refund-exceeds-payment');
  });
});
