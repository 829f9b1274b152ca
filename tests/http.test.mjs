// HTTP as RFC 9110 writes it, where a client would notice: preconditions, validators, headers that
// may stand once, forms of the address, and by what a client is counted.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { requestBytes, sendRaw } from './lib/raw.mjs';
import { ADDRESS, inParallel, startShop } from './lib/shop.mjs';

let shop, admin, product, buyer;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
  product = await shop.createProduct({ stock: 10 });
  buyer = await shop.customer();
});

const raw = (method, path, headers, body) => sendRaw(shop.url, requestBytes(method, path, headers, body));

function problem(answer, status, slug) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.json.type, `/problems/${slug}`);
}

// ---- headers

test('blanks around a header\'s value are none of it', async () => {
  for (const line of [`Authorization: Bearer ${buyer.token} `, `Authorization:\t Bearer ${buyer.token} \t`,
    `Authorization:Bearer ${buyer.token}\t`]) {
    assert.equal((await raw('GET', `/users/${buyer.id}`, [line])).status, 200, JSON.stringify(line));
  }
  const { status } = await raw('POST', '/carts', ['Content-Type: application/json \t', 'Content-Length: 2 '], '{}');
  assert.equal(status, 201);
  const named = await raw('GET', '/healthz', ['X-Request-Id: named-so  ']);
  assert.equal(named.headers['x-request-id'], 'named-so');
});

test('what may stand once is refused where it stands twice', async () => {
  const twice = {
    'Authorization': [`Bearer ${buyer.token}`, `Bearer ${admin}`],
    'Idempotency-Key': ['a', 'b'],
    'Content-Type': ['application/json', 'text/plain'],
    'Cart-Secret': ['a', 'b'],
    'Order-Secret': ['a', 'a'],
    'Origin': ['https://a.example', 'https://b.example'],
  };
  for (const [name, [first, second]] of Object.entries(twice)) {
    const answer = await raw('POST', '/carts', [`${name}: ${first}`, 'X-Between: x', `${name.toLowerCase()}: ${second}`]);
    problem(answer, 400, 'bad-request');
    assert.ok(answer.json.detail.includes(name), answer.json.detail);
  }
  // Lists may be spread over lines.
  assert.equal((await raw('GET', '/healthz', ['Accept: text/html', 'Accept: */*', 'Prefer: a', 'Prefer: b'])).status, 200);
});

// ---- the address

test('what is percent-encoded without need is the same address', async () => {
  for (const path of ['/%70roducts', '/p%72oduct%73', '/%68%65%61lthz', `/products/${product.id.replace(/-/g, '%2D')}`]) {
    assert.equal((await raw('GET', path, [])).status, 200, path);
  }
  // A slash or a percent sign that is encoded is no other thing for it.
  // Nor does half of what is malformed become an encoding, which would be decoded again.
  for (const path of [`/products/${product.id}%2%30`, `/products/%%32%30${product.id}`, '/%2%66', '/%']) {
    problem(await raw('GET', path, []), 404, 'not-found');
  }
  for (const path of ['/products%2F', '/%2570roducts', '/%2e%2e/products', `/users%2f${buyer.id}`]) {
    problem(await raw('GET', path, []), 404, 'not-found');
  }
});

test('OPTIONS of the server and of its resources names methods', async () => {
  const server = await raw('OPTIONS', '*', []);
  assert.equal(server.status, 204);
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
    assert.ok(server.headers.allow.split(', ').includes(method), method);
  }
  assert.match((await raw('OPTIONS', '/products', [])).headers.allow, /GET.*POST/);
  problem(await raw('GET', '*', []), 400, 'bad-request');
});

// ---- preconditions

describe('preconditions (RFC 9110, section 13)', () => {
  const call = (method, path, headers, { token = admin, body } = {}) =>
    shop.api(method, path, { token, headers, body, check: false });

  test('a 304 carries the length of its 200, or none, and no body', async () => {
    const path = `/products/${product.id}`;
    const whole = await raw('GET', path, []);
    const same = await raw('GET', path, [`If-None-Match: ${whole.headers.etag}`]);
    assert.equal(same.status, 304);
    assert.ok([undefined, whole.headers['content-length']].includes(same.headers['content-length']), same.headers['content-length']);
    assert.equal(same.text, '');
    assert.equal(same.headers.etag, whole.headers.etag);
    assert.equal(same.headers['cache-control'], whole.headers['cache-control']);
    // The connection is good behind it.
    const both = await sendRaw(shop.url, [requestBytes('GET', path, [`If-None-Match: ${whole.headers.etag}`]),
      requestBytes('GET', path, ['Connection: close'])]);
    assert.equal(both.status, 304);
  });

  test('GET and HEAD honour If-Match and If-None-Match, of what has an ETag and what has none', async () => {
    const path = `/products/${product.id}`;
    const { headers: { etag } } = await call('GET', path);
    for (const method of ['GET', 'HEAD']) {
      const rows = [
        [{ 'if-match': etag }, 200], [{ 'if-match': '*' }, 200], [{ 'if-match': `"x", ${etag}` }, 200],
        [{ 'if-match': '"999.999"' }, 412], [{ 'if-match': `W/${etag}` }, 412],
        [{ 'if-none-match': etag }, 304], [{ 'if-none-match': `W/${etag}` }, 304], [{ 'if-none-match': '*' }, 304],
        [{ 'if-none-match': '"999.999"' }, 200],
        [{ 'if-match': '"999.999"', 'if-none-match': etag }, 412], [{ 'if-match': etag, 'if-none-match': etag }, 304],
        [{ 'if-modified-since': 'Sun, 06 Nov 2044 08:49:37 GMT' }, 200],
        [{ 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 200],
      ];
      for (const [headers, status] of rows) {
        const answer = await call(method, path, headers);
        assert.equal(answer.status, status, `${method} ${JSON.stringify(headers)}`);
        if (status === 412 && method === 'GET') problem(answer, 412, 'version-mismatch');
      }
      assert.equal((await call(method, '/products', { 'if-match': '*' })).status, 200);
      assert.equal((await call(method, '/products', { 'if-match': '"1.1"' })).status, 412);
      // An answer that is none leaves them aside.
      assert.equal((await call(method, '/products/nowhere', { 'if-match': '"1.1"' })).status, 404);
      assert.equal((await call(method, '/users', { 'if-none-match': '*' }, { token: null })).status, 401);
    }
  });

  test('no change succeeds with an If-None-Match that matches', async () => {
    const order = await shop.api('POST', '/orders', { token: buyer.token, key: shop.unique('order'), expect: 201,
      body: { items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa' } });
    const cart = await shop.api('POST', '/carts', { token: buyer.token, expect: 201 });
    const item = { productId: product.id, quantity: 1 };
    const filled = await shop.api('POST', `/carts/${cart.json.id}/items`, { token: buyer.token, body: item, expect: 201 });
    const line = `/carts/${cart.json.id}/items/${filled.json.lines[0].id}`;
    const own = { token: buyer.token };
    const changes = [
      ['PUT', `/products/${product.id}`, { body: { name: 'Another' } }],
      ['DELETE', `/products/${product.id}`, {}],
      ['POST', '/products', { body: { name: 'One more', price: { amount: 1, currency: 'EUR' } } }],
      ['PUT', `/inventory/${product.id}`, { body: { onHand: 99 } }],
      ['PUT', `/users/${buyer.id}`, { ...own, body: { name: 'Another' } }],
      ['PUT', `/orders/${order.json.id}/status`, { ...own, body: { status: 'cancelled' } }],
      ['POST', `/carts/${cart.json.id}/items`, { ...own, body: item }],
      ['PUT', line, { ...own, body: { quantity: 3 } }],
      ['DELETE', line, own],
    ];
    for (const [method, path, options] of changes) {
      const answer = await call(method, path, { 'if-none-match': '*' }, options);
      problem(answer, 412, 'version-mismatch');
    }
    assert.equal((await call('GET', `/products/${product.id}`)).json.name, product.name);
    assert.equal((await call('GET', `/carts/${cart.json.id}`, {}, own)).json.lines[0].quantity, 1);
    const { headers: { etag } } = await call('GET', `/products/${product.id}`);
    problem(await call('PUT', `/products/${product.id}`, { 'if-none-match': `W/${etag}` }, { body: { name: 'Another' } }), 412, 'version-mismatch');
    assert.equal((await call('PUT', `/products/${product.id}`, { 'if-none-match': '"999.9"' }, { body: { name: product.name } })).status, 200);
  });

  test('no change succeeds with an If-Match that does not match, whatever the method', async () => {
    const { count } = { count: (await shop.all('/products', admin)).length };
    problem(await call('POST', '/products', { 'if-match': '"1.1"' }, { body: { name: 'One more', price: { amount: 1, currency: 'EUR' } } }), 412, 'version-mismatch');
    problem(await call('POST', '/carts', { 'if-match': '"1.1"' }, { token: buyer.token }), 412, 'version-mismatch');
    const cart = await shop.api('POST', '/carts', { token: buyer.token, headers: { 'if-none-match': '*' }, check: false });
    assert.equal(cart.status, 201);
    const fill = (etag) => call('POST', `/carts/${cart.json.id}/items`, { 'if-match': etag },
      { token: buyer.token, body: { productId: product.id, quantity: 1 } });
    problem(await fill('"99.1"'), 412, 'version-mismatch');
    assert.equal((await fill(cart.headers.etag)).status, 201);
    problem(await fill(cart.headers.etag), 412, 'version-mismatch');
    assert.equal((await shop.all('/products', admin)).length, count);
    // Who may not do it is told so first.
    assert.equal((await call('POST', '/products', { 'if-match': '"1.1"' }, { token: null, body: {} })).status, 401);
    assert.equal((await call('PUT', '/products/01a1da33-5680-7c98-a85f-249002f03068', { 'if-match': '"1.1"' }, { body: { name: 'x' } })).status, 404);
  });
});

// ---- by what a client is counted

describe('limits', () => {
  let limited;
  const from = (address) => ({ 'x-forwarded-for': address });

  before(async () => {
    limited = await startShop({ env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on' } });
  });

  test('are those of an IPv6 network of 64 bits, whatever address of it asks', async () => {
    let refused;
    for (let i = 0; i < 100 && !refused; i++) {
      const answers = await inParallel(Array.from({ length: 100 }, (_, j) => j), 32, (j) => limited.api('POST', '/analytics/event',
        { headers: from(`2001:db8:0:7:${i.toString(16)}:${j.toString(16)}::1`), body: { type: 'page_view', sessionId: 's' }, check: false }));
      refused = answers.find(({ status }) => status === 429);
      assert.ok(answers.every(({ status }) => status === 202 || status === 429));
    }
    assert.ok(refused, 'the network is limited at last');
    await limited.api('POST', '/analytics/event', { headers: from('2001:db8:0:8::1'), body: { type: 'page_view', sessionId: 's' }, expect: 202 });
    await limited.api('POST', '/analytics/event', { headers: from('192.0.2.1'), body: { type: 'page_view', sessionId: 's' }, expect: 202 });
  });

  test('are none for signs of life', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answers = await inParallel(Array.from({ length: 2500 }), 64, () => limited.api('GET', path, { headers: from('192.0.2.7') }));
      assert.ok(answers.every(({ status, headers }) => status === 200 && headers.ratelimit === undefined), path);
    }
  });
});
