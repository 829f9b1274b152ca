// Work that takes long has a pool for each kind: none keeps the others waiting, no caller fills one,
// and what nobody waits for any more is not done. Told by order and bounds, never by time.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';

import { PASSWORD, inParallel, startShop, waitFor } from './lib/shop.mjs';

async function figure(shop, name, pool) {
  const { text } = await shop.api('GET', '/metrics', { expect: 200 });
  return Number(new RegExp(`^souk_pool_${name}\\{pool="${pool}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

// Starts `count` of `fn(i)` at once: {pending(), all}.
function atOnce(count, fn) {
  let pending = count;
  const all = Promise.all(Array.from({ length: count }, async (_, i) => {
    try {
      return await fn(i);
    } finally {
      pending -= 1;
    }
  }));
  return { all, pending: () => pending };
}

const WORDS = 'brass copper clay glass linen wool cedar olive walnut marble'.split(' ');

// A catalogue in which a search for all words, with facets, has something to do.
async function stockShelves(shop, count) {
  const vendor = await shop.vendor();
  await inParallel(Array.from({ length: count }), 16, (_, i) => shop.api('POST', '/products', {
    token: vendor.token,
    body: {
      name: `${WORDS[i % 10]} lamp ${i}`, category: `home/${WORDS[i % 7]}`, status: 'active',
      description: `${WORDS.join(' ')} `.repeat(60), tags: WORDS.slice(0, 5 + i % 5),
      price: { amount: 100 + i, currency: 'EUR' },
    },
    expect: 201,
  }));
}
const COSTLY = `/products?q=${WORDS.join('+')}&facets=category,tag,price&limit=100&sort=price`;

const register = (shop, i) => shop.api('POST', '/users/register',
  { body: { email: `${shop.unique(`flood-${i}`)}@buyers.example`, password: PASSWORD } });

test('ninety registrations at once keep no log-in waiting', async () => {
  const shop = await startShop();
  const buyer = await shop.customer();
  const flood = atOnce(90, (i) => register(shop, i));
  await waitFor(async () => await figure(shop, 'waiting', 'registration') > 40, 'they wait in line');
  await shop.login(buyer.email, buyer.password);
  assert.ok(flood.pending() > 0, 'a log-in that came last is not answered last');
  for (const { status, headers } of await flood.all) {
    assert.ok(status === 201 || status === 503, `${status}`);
    if (status === 503) assert.ok(Number(headers['retry-after']) > 0);
  }
});

test('searches at once keep neither log-ins nor order lists waiting', async () => {
  const shop = await startShop({ env: { SOUK_SEARCH_PARALLEL: '1' } });
  const buyer = await shop.customer();
  await stockShelves(shop, 60);
  const flood = atOnce(200, () => shop.api('GET', COSTLY, { expect: [200, 503], check: false }));
  await waitFor(async () => await figure(shop, 'waiting', 'search') > 100, 'they wait in line');
  await shop.get(`/orders/user/${buyer.id}?limit=100`, buyer.token);
  await shop.login(buyer.email, buyer.password);
  assert.ok(flood.pending() > 0, 'who came last is not answered last');
  await flood.all;
});

test('one caller does not fill a pool: others are let in, and take turns with it', async () => {
  const shop = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on', SOUK_SEARCH_PARALLEL: '1', SOUK_SEARCH_QUEUE: '19' },
  });
  await stockShelves(shop, 60);
  const search = (address) => shop.api('GET', COSTLY, { headers: { 'x-forwarded-for': address }, check: false });
  const greedy = atOnce(120, () => search('198.51.100.1'));
  await waitFor(async () => await figure(shop, 'refused_total', 'search') > 0, 'it has more than its share');
  const modest = atOnce(5, () => search('203.0.113.9'));
  for (const { status } of await modest.all) assert.equal(status, 200);
  const statuses = (await greedy.all).map(({ status }) => status);
  assert.ok(statuses.includes(200) && statuses.includes(503), statuses.join());
});

test('one address does not fill a pool by showing many accounts', async () => {
  const shop = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on', SOUK_SEARCH_PARALLEL: '1', SOUK_SEARCH_QUEUE: '19' },
  });
  await stockShelves(shop, 60);
  const accounts = await Promise.all(Array.from({ length: 4 }, () => shop.customer()));
  const search = (address, token) =>
    shop.api('GET', COSTLY, { token, headers: { 'x-forwarded-for': address }, check: false });
  const greedy = atOnce(160, (i) => search('198.51.100.1', accounts[i % 4].token));
  let waiting = 0;
  while (greedy.pending() > 0) waiting = Math.max(waiting, await figure(shop, 'waiting', 'search'));
  assert.ok(waiting > 0 && waiting <= 10, `${waiting} of 20 places are taken`);
  const statuses = (await greedy.all).map(({ status }) => status);
  assert.ok(statuses.includes(200) && statuses.includes(503), statuses.join());
});

test('the flood of one address leaves room for the log-ins of others', async () => {
  const shop = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on', SOUK_PASSWORD_PARALLEL: '1', SOUK_PASSWORD_QUEUE: '9' },
  });
  const buyer = await shop.customer();
  const logIn = (email, password, address) => shop.api('POST', '/users/login',
    { body: { email, password }, headers: { 'x-forwarded-for': address } });
  const flood = atOnce(40, (i) => logIn(`nobody-${i}@buyers.example`, PASSWORD, '198.51.100.1'));
  await waitFor(async () => await figure(shop, 'refused_total', 'password') > 0, 'it has more than its share');
  assert.equal((await logIn(buyer.email, buyer.password, '203.0.113.9')).status, 200);
  const statuses = (await flood.all).map(({ status }) => status);
  assert.ok(statuses.every((status) => status === 401 || status === 503), statuses.join());
});

// A request that is sent, and whose answer nobody waits for.
function sendAndLeave(shop, body) {
  const { hostname, port } = new URL(shop.url);
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => {});
  const text = JSON.stringify(body);
  socket.write(`POST /users/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${text.length}\r\n\r\n${text}`);
  return socket;
}

test('what waits is dropped when its client has gone', async () => {
  const shop = await startShop();
  const sockets = Array.from({ length: 60 }, (_, i) =>
    sendAndLeave(shop, { email: `gone-${i}@buyers.example`, password: PASSWORD }));
  await waitFor(async () => await figure(shop, 'waiting', 'registration') > 20, 'they wait in line');
  for (const socket of sockets) socket.destroy();
  await waitFor(async () => await figure(shop, 'waiting', 'registration') === 0 &&
    await figure(shop, 'running', 'registration') === 0, 'nobody waits');
  assert.ok(await figure(shop, 'abandoned_total', 'registration') > 0);
  const made = (await shop.all('/users?role=customer', await shop.admin())).length;
  assert.ok(made < 40, `${made} of 60 were made, of which 20 waited when they went`);
});

test('every pool has figures', async () => {
  const shop = await startShop();
  for (const pool of ['search', 'list', 'report', 'upload', 'password', 'registration']) {
    for (const name of ['running', 'waiting', 'refused_total', 'abandoned_total']) {
      assert.equal(await figure(shop, name, pool), 0, `${name} of ${pool}`);
    }
  }
});
