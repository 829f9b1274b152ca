// Nothing grows without an end: what anybody may write is bounded, and what is old goes.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, before, test } from 'node:test';

import { Faults } from './lib/faults.mjs';
import { ADMIN_EMAIL, ADMIN_PASSWORD, inParallel, startShop, waitFor } from './lib/shop.mjs';

const DAY_MS = 86_400_000;
const ago = (days) => new Date(Date.now() - days * DAY_MS).toISOString();

describe('events that anybody sends', () => {
  const EVENTS = 20; // a second; 40 times as many at once
  const BYTES = 4096;
  let shop;

  before(async () => {
    shop = await startShop({
      env: {
        SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on',
        SOUK_ANALYTICS_EVENTS: String(EVENTS), SOUK_ANALYTICS_BYTES: String(BYTES),
      },
    });
  });

  const send = (address, events, options = {}) => shop.api('POST', '/analytics/event',
    { body: { events }, headers: { 'x-forwarded-for': address }, ...options });
  const small = (count) => Array.from({ length: count }, () => ({ type: 'view' }));
  const large = (count) => Array.from({ length: count }, () => ({ type: 'view', properties: { text: 'x'.repeat(4000) } }));

  // Sends until one is refused: how many events were accepted.
  async function flood(address, events, options) {
    let accepted = 0;
    for (let i = 0; i < 400; i++) {
      const { status, json, headers } = await send(address, events, options);
      if (status === 429) {
        assert.ok(Number(headers['retry-after']) > 0);
        return accepted;
      }
      assert.equal(status, 202);
      accepted += json.accepted;
    }
    return Infinity;
  }

  test('are bounded by their number', async () => {
    const began = Date.now();
    const accepted = await flood('198.51.100.1', small(100));
    assert.ok(accepted >= 100);
    assert.ok(accepted <= EVENTS * (40 + 1 + (Date.now() - began) / 1000), `${accepted} events`);
  });

  test('are bounded by their bytes', async () => {
    const began = Date.now();
    const accepted = await flood('198.51.100.2', large(10));
    assert.ok(accepted >= 10);
    assert.ok(accepted * 4000 <= BYTES * (40 + 1 + (Date.now() - began) / 1000), `${accepted} events`);
    assert.equal((await send('198.51.100.3', large(1))).status, 202, 'others may send');
  });

  test('of a user are bounded as those of an address', async () => {
    const buyer = await shop.customer();
    assert.ok(await flood('198.51.100.4', small(100), { token: buyer.token }) <= EVENTS * 100);
    assert.equal((await send('198.51.100.4', small(1))).status, 202, 'which is another caller');
  });

  test('of the shop itself are not', async () => {
    assert.equal(await flood('198.51.100.5', small(100), { token: await shop.admin() }), Infinity);
  });

  test('from many addresses are bounded together', async () => {
    const began = Date.now();
    let accepted = 0;
    for (let i = 0; i < 60; i++) accepted += await flood(`203.0.113.${i}`, large(10));
    assert.ok(accepted * 4000 <= 16 * BYTES * (40 + 1 + (Date.now() - began) / 1000), `${accepted} events`);
  });
});

test('events of many accounts are bounded together: anybody can make any number of them', async () => {
  const EVENTS = 4; // a second, and 40 times as many at once; so many bytes that 24 accounts have too few
  const BYTES = 1024;
  const shop = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_ANALYTICS_EVENTS: String(EVENTS), SOUK_ANALYTICS_BYTES: String(BYTES) },
  });
  const accounts = await inParallel(Array.from({ length: 24 }), 4, () => shop.customer());
  const events = Array.from({ length: 8 }, () => ({ type: 'view', properties: { text: 'x'.repeat(4000) } }));
  const began = Date.now();
  let accepted = 0;
  for (const { token } of accounts) {
    for (let status = 202; status === 202;) {
      ({ status } = await shop.api('POST', '/analytics/event', { token, body: { events } }));
      if (status === 202) accepted += events.length;
    }
  }
  assert.ok(accepted > 0);
  assert.ok(accepted * 4000 <= 16 * BYTES * (40 + 1 + (Date.now() - began) / 1000), `${accepted} events`);
});

test('what users did is kept for analytics-days, and sales for ever', async () => {
  const shop = await startShop({ env: { SOUK_ANALYTICS_DAYS: '60' } });
  const buyer = await shop.customer();
  const lamp = await shop.createProduct({ price: 1999 });
  await shop.buy({ buyer, items: [{ productId: lamp.id, quantity: 2 }] });
  const events = (days, count) => Array.from({ length: count }, () => ({ type: 'view', at: ago(days) }));
  const send = (list, expect = 202) => shop.api('POST', '/analytics/event', { body: { events: list }, expect });
  await send(events(20, 700));
  await send(events(20, 900));
  await send(events(5, 10));
  const refused = await send(events(61, 1), 422);
  assert.equal(refused.json.errors[0].pointer, '/events/0/at');
  assert.match(refused.json.errors[0].detail, /60 days/);
  const report = async (path) => shop.get(`/analytics/${path}?from=${ago(59)}`, await shop.admin());
  const views = async () => (await report('user-activity')).byType.find(({ type }) => type === 'view')?.count;
  await waitFor(async () => (await report('sales')).totals.orders === 1, 'the sale is counted');
  const sales = await report('sales');
  assert.equal(await views(), 1610);
  await shop.restart({ env: { SOUK_ANALYTICS_DAYS: '10' } });
  await waitFor(async () => await views() === 10, 'what is older is gone');
  const { totals } = await report('sales');
  assert.deepEqual(totals, sales.totals);
  assert.equal((await report('user-activity')).byType.find(({ type }) => type === 'OrderPaid').count, 1);
  await send(events(11, 1), 422);
});

describe('with the years', () => {
  const faults = new Faults();
  after(() => faults.remove());
  let shop;
  let cart;
  let message;
  const file = () => join(faults.dataDir, 'outbox', `${message}.eml`);
  const admin = async () => (await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD)).accessToken;

  before(async () => {
    shop = await startShop({ dataDir: faults.dataDir, env: faults.env() });
    cart = (await shop.api('POST', '/carts', { expect: 201 })).json;
    const customer = await shop.customer();
    message = await waitFor(async () => {
      const sent = await shop.all(`/notifications?userId=${customer.id}&status=sent`, await shop.admin());
      return sent[0]?.id;
    }, 'the welcome is sent');
  });

  const later = async (days, env = {}) => {
    await shop.sigterm();
    faults.set('clockMs', days * DAY_MS);
    Object.assign(shop.env, env);
    shop.tokens = {};
    await shop.start();
  };
  const cartStatus = async () =>
    (await shop.api('GET', `/carts/${cart.id}`, { headers: { 'cart-secret': cart.secret } })).status;
  const messageStatus = async () => (await shop.api('GET', `/notifications/${message}`, { token: await admin() })).status;

  test('carts that nobody touches go after cart-days', async () => {
    await later(29);
    assert.equal(await cartStatus(), 200);
    await later(40, { SOUK_CART_DAYS: '60' });
    assert.equal(await cartStatus(), 200);
    await later(61);
    await waitFor(async () => await cartStatus() === 404, 'the cart is gone');
  });

  test('messages go after message-days, with their files', async () => {
    await later(300);
    assert.equal(await messageStatus(), 200);
    assert.ok(existsSync(file()));
    await later(366);
    await waitFor(async () => await messageStatus() === 404, 'the message is gone');
    assert.ok(!existsSync(file()), 'and its file');
  });
});
