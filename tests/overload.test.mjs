// More than it can take: what is accepted stays bounded, the rest is told so at once (429 or 503
// with Retry-After), and when it is over all is well at once, by the same process.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach, test } from 'node:test';

import { ADDRESS, inParallel, startShop, waitFor } from './lib/shop.mjs';

const FEW_CONNECTIONS = 64;

let shop, sockets = [];

async function open(env = {}, options = {}) {
  shop = await startShop({ env: { SOUK_WORKERS: '2', SOUK_LOG_ACCESS: 'off', ...env }, ...options });
  const buyer = await shop.customer();
  const product = await shop.createProduct({ stock: 100_000 });
  return { buyer, product };
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await shop?.stop();
  shop = undefined;
});

const post = ({ buyer, product }, over = {}) => shop.api('POST', '/orders', {
  token: buyer.token, key: shop.unique('order'), headers: { prefer: 'respond-async' },
  body: { items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa' },
  ...over,
});

async function assertWell(trade) {
  const { json } = await waitFor(async () => {
    const answer = await post(trade);
    return answer.status < 300 && answer;
  }, 'it takes orders again');
  assert.equal((await shop.settled(json.id, trade.buyer.token)).status, 'paid');
  await shop.api('GET', '/readyz', { expect: 200 });
}

// One address has a share of what there is; many have all of it. (On the loopback all of 127/8 is ours.)
const one = (i) => `127.0.1.${1 + i % 50}`;

// A connection of which everything that comes is kept, unless it is a slow reader's.
function connect({ reads = true, from } = {}) {
  const { hostname, port } = new URL(shop.url);
  const socket = net.connect({ host: hostname, port, localAddress: from });
  socket.text = '';
  socket.over = new Promise((done) => socket.on('close', done));
  socket.on('error', () => {});
  socket.on('data', (chunk) => { socket.text += chunk; });
  if (!reads) socket.pause();
  sockets.push(socket);
  return new Promise((done) => {
    socket.on('connect', () => done(socket));
    socket.on('close', () => done(socket));
  });
}

async function metric(name) {
  const { text } = await waitFor(async () => {
    const answer = await shop.api('GET', '/metrics', { token: shop.adminToken, check: false });
    return answer.status === 200 && answer;
  }, 'it tells its metrics');
  const line = text.split('\n').find((one) => one.startsWith(name));
  return Number(line?.split(' ').at(-1));
}

const residentKiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${shop.pid}/status`, 'utf8'))[1]);

// ---- connections

test('thousands of connections that say nothing leave room for those that do', async (t) => {
  const trade = await open();
  shop.adminToken = await shop.admin();
  // The shop may open as many files as this process, and needs some for itself.
  const mine = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
  const count = Math.min(9_000, Math.floor(mine / 2));
  await inParallel(Array.from({ length: count }, (_, i) => i), 200, (i) => connect({ from: one(i) }));
  t.diagnostic(`${count} connections, ${residentKiB()} KiB`);
  await waitFor(async () => await metric('souk_http_connections ') >= count, 'all are there');
  await assertWell(trade);
  for (const socket of sockets.splice(0)) socket.destroy();
  await waitFor(async () => await metric('souk_http_connections ') < 100, 'they are gone');
  await assertWell(trade);
});

test('who is silent makes way for who comes, however many there are', async () => {
  const trade = await open({ SOUK_CONNECTIONS: String(FEW_CONNECTIONS), SOUK_CONNECTION_TIMEOUT_S: '3600',
    SOUK_REQUEST_TIMEOUT_S: '3600' });
  shop.agent.destroy();
  const silent = [];
  for (let i = 0; i < 3 * FEW_CONNECTIONS; i++) {
    const socket = await connect({ from: one(i) });
    if (i % 2) socket.write('POST /carts HTTP/1.1\r\nHost: shop\r\n'); // and no more
    silent.push(socket);
  }
  await assertWell(trade);
  assert.ok(await metric('souk_http_connections_crowded_total') > 0);
});

test('whoever is one too many gets 503 with Retry-After, and is served when there is room', async () => {
  const trade = await open({ SOUK_CONNECTIONS: String(FEW_CONNECTIONS), SOUK_CROWDED_TIMEOUT_S: '3600' });
  shop.agent.destroy();
  const idle = [];
  // The kernel spreads them over the workers as it likes: both must be full.
  let refusal, count = 0;
  await waitFor(async () => {
    const socket = await connect({ from: one(count++) });
    socket.write('GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n');
    await waitFor(() => socket.text.includes('\r\n\r\n') || socket.destroyed, 'it answers');
    if (/^HTTP\/1.1 200/.test(socket.text)) idle.push(socket);
    else refusal = socket;
    return idle.length >= FEW_CONNECTIONS;
  }, 'it is full');
  await waitFor(async () => {
    const socket = await connect({ from: one(count++) });
    socket.write('GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n');
    await waitFor(() => socket.text.includes('}') || socket.destroyed, 'it answers');
    if (socket.text.includes(' 503 ')) refusal = socket;
    return refusal;
  }, 'somebody is too many');
  assert.match(refusal.text, /^HTTP\/1\.1 503 /);
  assert.match(refusal.text, /\r\nRetry-After: \d+\r\n/i);
  assert.match(refusal.text, /\r\nConnection: close\r\n/i);
  assert.match(refusal.text, /\/problems\/overloaded/);
  await refusal.over;
  for (const socket of sockets.splice(0)) socket.destroy();
  await assertWell(trade);
});

test('where few files may be open fewer connections are taken, and the data keep theirs', async () => {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
  } catch {
    return;
  }
  const trade = await open({}, { wrapper: ['prlimit', '--nofile=700:700', '--'] });
  assert.match(shop.log(), /"server\.connections"/);
  await inParallel(Array.from({ length: 1500 }), 50, () => Promise.race([
    connect(), new Promise((done) => setTimeout(done, 200)), // the kernel lets no more than so many wait
  ]));
  // None of it spins: two looks at the time that it has used.
  const used = () => readFileSync(`/proc/${shop.pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((sum, n) => sum + Number(n), 0);
  const before = used();
  await new Promise((done) => setTimeout(done, 1000));
  assert.ok(used() - before < 80, `it used ${used() - before} ticks of a second in which nothing was to be done`);
  for (const socket of sockets.splice(0)) socket.destroy();
  await assertWell(trade);
  assert.doesNotMatch(shop.log(), /Too many open files|unable to open/);
});

// ---- the slow

test('slow writers and slow readers are hung up on, however steadily they drip', async () => {
  const trade = await open({ SOUK_REQUEST_TIMEOUT_S: '2', SOUK_CONNECTIONS: String(FEW_CONNECTIONS) });
  shop.adminToken = await shop.admin();
  const each = Array.from({ length: 20 }, (_, i) => i);
  const heads = await inParallel(each, 20, (i) => connect({ from: one(i) }));
  const bodies = await inParallel(each, 20, async (i) => {
    const socket = await connect({ from: one(i) });
    socket.write('POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{');
    return socket;
  });
  const drip = setInterval(() => {
    for (const socket of heads) socket.write('X');
    for (const socket of bodies) socket.write(' ');
  }, 200);
  try {
    await Promise.all([...heads, ...bodies].map(({ over }) => over));
  } finally {
    clearInterval(drip);
  }
  // Answers that nobody takes: more of them than the kernel keeps.
  const readers = await inParallel(each.slice(10), 10, async (i) => {
    const socket = await connect({ reads: false, from: one(i) });
    for (let i = 0; i < 40; i++) socket.write('GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n');
    return socket;
  });
  await waitFor(async () => await metric('souk_http_connections_slow_total') >= 50, 'all of them are hung up on');
  for (const socket of readers) socket.destroy();
  await assertWell(trade);
});

test('bodies are held as far as they have come, and all of them within a bound', async () => {
  const trade = await open({ SOUK_BODY_MEMORY_BYTES: String(4 << 20) });
  shop.adminToken = await shop.admin();
  const before = residentKiB();
  const head = 'POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n';
  // They say a gigabyte, and send hardly anything.
  await inParallel(Array.from({ length: 1000 }, (_, i) => i), 50, async (i) => (await connect({ from: one(i) })).write(`${head}{`));
  await waitFor(async () => await metric('souk_http_connections ') >= 1000, 'all are there');
  assert.ok(residentKiB() - before < 300_000, `${residentKiB() - before} KiB for promises`);
  for (const socket of sockets.splice(0)) socket.destroy();
  // They send nearly all of it, and not the end.
  const body = Buffer.alloc(900_000, ' ');
  await inParallel(Array.from({ length: 30 }), 10, async () => {
    const socket = await connect();
    socket.write(head);
    socket.write(body);
    socket.rest = 1_000_000 - body.length;
  });
  await waitFor(async () => await metric('souk_http_requests_refused_total{reason="overloaded"}') > 0, 'some are too many');
  for (const socket of sockets) socket.write(Buffer.alloc(socket.rest, ' '));
  await waitFor(() => sockets.every(({ text }) => /^HTTP\/1\.1 \d+/.test(text)), 'each is answered');
  const refused = sockets.filter(({ text }) => text.startsWith('HTTP/1.1 503 '));
  assert.ok(refused.length > 0);
  for (const { text } of refused) assert.match(text, /\r\nRetry-After: \d+\r\n/i);
  await assertWell(trade);
});

test('one address takes its share of the connections and no more, and keeps nobody out', async () => {
  const trade = await open({ SOUK_CONNECTIONS: String(FEW_CONNECTIONS) });
  shop.adminToken = await shop.admin();
  const attackers = await inParallel(Array.from({ length: 3 * FEW_CONNECTIONS }), 20, () => connect({ from: '127.0.2.1' }));
  for (const socket of attackers) socket.write('GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n');
  await waitFor(() => attackers.every((socket) => socket.text || socket.destroyed), 'each is answered or hung up on');
  const served = attackers.filter(({ text }) => text.startsWith('HTTP/1.1 200'));
  assert.equal(served.length, FEW_CONNECTIONS / 4);
  for (const { text } of attackers.filter((socket) => socket.text && !served.includes(socket))) {
    assert.match(text, /^HTTP\/1\.1 503 /);
    assert.match(text, /\r\nRetry-After: \d+\r\n/i);
  }
  await assertWell(trade);
  assert.ok(await metric('souk_http_shares_exceeded_total{of="connections"}') >= attackers.length - served.length);
  // What it gives back it may have again.
  for (const socket of sockets.splice(0)) socket.destroy();
  await waitFor(async () => {
    const socket = await connect({ from: '127.0.2.1' });
    socket.write('GET /healthz HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    await socket.over;
    return socket.text.startsWith('HTTP/1.1 200');
  }, 'it is served again');
});

test('one address holds its share of the bodies and no more: others, and its own small ones, are taken', async () => {
  const trade = await open();
  shop.adminToken = await shop.admin();
  const attackers = await inParallel(Array.from({ length: 300 }), 20, () => connect({ from: '127.0.2.1' }));
  // Unfinished, 64 MiB of which have room together.
  for (const socket of attackers) {
    socket.write('POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n');
    socket.write(Buffer.alloc(900_000, ' '));
  }
  await waitFor(async () => await metric('souk_http_shares_exceeded_total{of="bodies"}') > 200, 'most are refused');
  assert.ok(await metric('souk_http_body_bytes') < 24 << 20, 'it has a quarter, and a little of each');
  await assertWell(trade);
  const own = await connect({ from: '127.0.2.1' });
  const body = JSON.stringify({ email: trade.buyer.email, password: trade.buyer.password });
  own.write(`POST /users/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  await own.over;
  assert.match(own.text, /^HTTP\/1\.1 200 /);
});

test('what a client has left behind costs nothing: a body of chunks without end', async () => {
  const trade = await open();
  const used = () => readFileSync(`/proc/${shop.pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((sum, n) => sum + Number(n), 0);
  const head = 'POST /users/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (let i = 0; i < 8; i++) {
    const socket = await connect();
    socket.write(`${head}2;${'a'.repeat(15_000)}`);
    await new Promise((done) => socket.end(done));
    await socket.over;
  }
  const refused = await connect();
  refused.write(`${head}2;${'a'.repeat(60_000)}`);
  await refused.over;
  assert.match(refused.text, /^HTTP\/1\.1 431 /);
  const before = used();
  await new Promise((done) => setTimeout(done, 1000));
  assert.ok(used() - before < 80, `it used ${used() - before} ticks of a second in which nothing was to be done`);
  await assertWell(trade);
});

// ---- requests

test('ten times more orders than its queues hold: each is taken or refused, and none is lost', async () => {
  const trade = await open({ SOUK_FIBERS: '60', SOUK_DATABASE_QUEUE: '20', SOUK_CHARGE_PARALLEL: '8' });
  shop.adminToken = await shop.admin();
  const taken = [], refused = [];
  let most = 0, on = true;
  const watching = (async () => {
    while (on) most = Math.max(most, await metric('souk_database_waiting{database="order"}'));
  })();
  await inParallel(Array.from({ length: 2000 }), 400, async () => {
    const answer = await post(trade);
    if (answer.status < 300) return taken.push(answer.json.id);
    assert.ok([429, 503].includes(answer.status), `${answer.status} ${answer.text}`);
    assert.ok(Number(answer.headers['retry-after']) > 0);
    return refused.push(answer);
  });
  on = false;
  await watching;
  assert.ok(taken.length > 0 && refused.length > 0, `${taken.length} taken, ${refused.length} refused`);
  assert.ok(most <= 20, `${most} transactions waited`);
  await assertWell(trade);
  await inParallel(taken, 16, (id) => shop.settled(id, trade.buyer.token));
  const listed = await shop.all(`/orders/user/${trade.buyer.id}`, trade.buyer.token);
  assert.equal(listed.length, taken.length + 1, 'who was refused has no order');
});

test('log-ins wait in a line of their own, which is short', async () => {
  const trade = await open({ SOUK_PASSWORD_QUEUE: '4' });
  const answers = await inParallel(Array.from({ length: 60 }), 60, () => shop.api('POST', '/users/login',
    { body: { email: trade.buyer.email, password: trade.buyer.password } }));
  for (const { status, headers } of answers) {
    if (status === 200) continue;
    assert.equal(status, 503);
    assert.ok(Number(headers['retry-after']) > 0);
  }
  assert.ok(answers.some(({ status }) => status === 200) && answers.some(({ status }) => status === 503));
  await shop.login(trade.buyer.email, trade.buyer.password);
  await assertWell(trade);
});

test('one caller cannot take it all: beyond its limit it gets 429', async () => {
  const trade = await open({ SOUK_RATE_LIMITS: 'on' });
  const answers = await inParallel(Array.from({ length: 4000 }), 100, () =>
    shop.api('GET', `/products/${trade.product.id}`, { token: trade.buyer.token, check: false }));
  const limited = answers.filter(({ status }) => status !== 200);
  assert.ok(limited.length > 0);
  for (const { status, headers } of limited) {
    assert.equal(status, 429);
    assert.ok(Number(headers['retry-after']) > 0);
  }
  await waitFor(async () => (await shop.api('GET', `/products/${trade.product.id}`, { token: trade.buyer.token })).status === 200,
    'it may ask again');
});
