// Every route, asked by every kind of caller with a request that is good: exactly the answer that
// its row promises. The table is the promise; a route without a row fails.
//
// none: no token. customer: the one whose order, cart, review and account it is. other: another
// customer. vendor: whose product it is (and so whose line of the order). otherVendor: another.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { openapi, operations, seenAnswers } from './lib/openapi.mjs';
import { CALLERS, REQUESTS, makeWorld, requestOf, rowName } from './lib/requests.mjs';
import { inParallel, startShop } from './lib/shop.mjs';

//                                             none cust othr vend othV admn serv
const TABLE = `
  POST   /users/register                       201  201  201  201  201  201  201
  POST   /users/login                          200  200  200  200  200  200  200
  GET    /users                                401  403  403  403  403  200  403
  GET    /users/{}                             401  200  404  404  404  200  200
  PUT    /users/{}                             401  200  404  404  404  200  403

  POST   /auth/token                           200  200  200  200  200  200  200
  POST   /auth/validate                        401  403  403  403  403  200  200
  POST   /auth/refresh                         200  200  200  200  200  200  200
  POST   /auth/revoke                          200  200  200  200  200  200  200
  POST   /auth/clients                         401  403  403  403  403  201  403
  GET    /auth/clients                         401  403  403  403  403  200  403
  DELETE /auth/clients/{}                      401  403  403  403  403  204  403
  GET    /.well-known/jwks.json                200  200  200  200  200  200  200
  GET    /.well-known/oauth-authorization-server 200 200 200  200  200  200  200

  POST   /products                             401  403  403  201  201  201  403
  GET    /products                             200  200  200  200  200  200  200
  GET    /products/{}                          200  200  200  200  200  200  200
  PUT    /products/{}                          401  403  403  200  403  200  403
  DELETE /products/{}                          401  403  403  204  403  204  403

  POST   /carts                                201  201  201  201  201  201  201
  GET    /carts/current                        401  200  200  200  200  200  403
  GET    /carts/{}                             404  200  404  404  404  404  404
  POST   /carts/{}/items                       404  201  404  404  404  404  404
  PUT    /carts/{}/items/{}                    404  200  404  404  404  404  404
  DELETE /carts/{}/items/{}                    404  204  404  404  404  404  404
  POST   /carts/{}/claim                       401  200  200  200  200  200  403
  POST   /orders                               401  201  201  201  201  201  403
  GET    /orders                               401  403  403  200  200  200  403
  GET    /orders/{}                            401  200  404  200  404  200  403
  GET    /orders/user/{}                       401  200  403  403  403  200  403
  PUT    /orders/{}/status                     401  403  404  200  404  200  403

  POST   /payments/charge                      401  403  403  403  403  201  201
  GET    /payments                             401  403  403  403  403  200  403
  GET    /payments/{}/status                   401  200  404  404  404  200  200
  POST   /payments/refund                      401  403  403  403  403  201  201

  GET    /inventory                            401  403  403  200  200  200  403
  GET    /inventory/{}                         200  200  200  200  200  200  200
  PUT    /inventory/{}                         401  403  403  200  403  200  403
  POST   /inventory/reserve                    401  403  403  403  403  201  201
  POST   /inventory/release                    401  403  403  403  403  200  200
  POST   /inventory/commit                     401  403  403  403  403  200  200

  POST   /reviews                              401  201  201  201  201  201  403
  GET    /reviews                              401  403  403  403  403  200  403
  GET    /reviews/{}                           200  200  200  200  200  200  200
  GET    /reviews/product/{}                   200  200  200  200  200  200  200
  GET    /reviews/user/{}                      200  200  200  200  200  200  200
  DELETE /reviews/{}                           401  204  403  403  403  204  403
  PUT    /reviews/{}/status                    401  403  403  403  403  200  403

  POST   /notifications/email                  401  403  403  403  403  202  202
  POST   /notifications/sms                    401  403  403  403  403  202  202
  POST   /notifications/push                   401  403  403  403  403  202  202
  GET    /notifications                        401  403  403  403  403  200  403
  GET    /notifications/{}                     401  403  403  403  403  200  403

  POST   /analytics/event                      202  202  202  202  202  202  202
  GET    /analytics/sales                      401  403  403  200  200  200  403
  GET    /analytics/user-activity              401  403  403  403  403  200  403

  GET    /healthz                              200  200  200  200  200  200  200
  GET    /readyz                               200  200  200  200  200  200  200
  GET    /metrics                              200  200  200  200  200  200  200
  GET    /openapi.json                         200  200  200  200  200  200  200
  GET    /problems/{}                          200  200  200  200  200  200  200
  GET    /events/parked                        401  403  403  403  403  200  403
  POST   /events/parked/{}/retry               401  403  403  403  403  404  403
`;

const rows = TABLE.trim().split('\n').filter((line) => line.trim()).map((line) => {
  const [method, path, ...statuses] = line.trim().split(/\s+/);
  return { name: `${method} ${path}`, statuses: statuses.map(Number) };
});

let shop, world;

before(async () => {
  shop = await startShop();
  world = await makeWorld(shop);
});

test('the table and the requests name every operation, and no other', () => {
  const described = operations.map(({ method, path }) => rowName(method, path)).sort();
  assert.ok(openapi, 'there is an openapi.json beside the binary');
  assert.deepEqual(rows.map(({ name }) => name).sort(), described);
  assert.deepEqual(Object.keys(REQUESTS).sort(), described);
});

for (const { name, statuses } of rows) {
  test(`who may ${name}`, async () => {
    assert.equal(statuses.length, CALLERS.length);
    const found = [];
    for (const caller of CALLERS) {
      const { method, path, ...options } = await requestOf(world, name);
      const answer = await shop.api(method, path, { ...options, token: world.tokens[caller] });
      found.push([caller, answer]);
      if (answer.status === 401) assert.match(answer.headers['www-authenticate'], /^Bearer/);
      if (answer.status >= 400) assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    }
    assert.deepEqual(
      Object.fromEntries(found.map(([caller, { status }]) => [caller, status])),
      Object.fromEntries(CALLERS.map((caller, i) => [caller, statuses[i]])),
      found.map(([caller, { status, text }]) => `${caller}: ${status} ${text.slice(0, 300)}`).join('\n'));
  });
}

// ---- what the row of a route does not say, as it depends on the resource

describe('by resource', () => {
  const asked = async (request) => {
    const statuses = {};
    for (const caller of CALLERS) {
      const { method, path, ...options } = await request(caller);
      statuses[caller] = (await shop.api(method, path, { ...options, token: world.tokens[caller] })).status;
    }
    return statuses;
  };
  const all = (...statuses) => Object.fromEntries(CALLERS.map((caller, i) => [caller, statuses[i]]));

  test('a draft shows only to its owner and admins', async () => {
    const draft = await shop.createProduct({ vendor: world.vendor, status: 'draft', name: 'Secret plan', stock: 1 });
    assert.deepEqual(await asked(() => ({ method: 'GET', path: `/products/${draft.id}` })),
      all(404, 404, 404, 200, 404, 200, 404));
    for (const caller of CALLERS) {
      const { json } = await shop.api('GET', '/products?q=secret', { token: world.tokens[caller], expect: 200 });
      assert.deepEqual(json.items, [], caller);
    }
  });

  test('a guest\'s cart shows to whoever has its secret', async () => {
    const { json: cart } = await shop.api('POST', '/carts', { expect: 201 });
    assert.deepEqual(await asked(() => ({ method: 'GET', path: `/carts/${cart.id}` })),
      all(404, 404, 404, 404, 404, 404, 404));
    assert.deepEqual(
      await asked(() => ({ method: 'GET', path: `/carts/${cart.id}`, headers: { 'cart-secret': cart.secret } })),
      all(200, 200, 200, 200, 200, 200, 200));
  });

  test('a paid order is cancelled by its customer, its vendor and admins', async () => {
    const request = async () => {
      const { id } = await shop.buy({ buyer: world.customer, items: [{ productId: world.product.id, quantity: 1 }] });
      return { method: 'PUT', path: `/orders/${id}/status`, body: { status: 'cancelled' } };
    };
    const { vendor, ...rest } = await asked(request);
    assert.ok([200, 403].includes(vendor));
    assert.deepEqual({ ...rest }, { none: 401, customer: 200, other: 404, otherVendor: 404, admin: 200, service: 403 });
  });

  test('a vendor sees its own lines of an order, and only those', async () => {
    const foreign = await shop.createProduct({ vendor: world.otherVendor, name: 'Foreign', stock: 5, price: 700 });
    const order = await shop.buy({
      buyer: world.customer,
      items: [{ productId: world.product.id, quantity: 1 }, { productId: foreign.id, quantity: 2 }],
    });
    const { items } = await shop.get('/orders', world.otherVendor.token);
    assert.deepEqual(items.map(({ id }) => id), [order.id]);
    assert.deepEqual(items[0].lines.map(({ productId }) => productId), [foreign.id]);
    const one = await shop.get(`/orders/${order.id}`, world.otherVendor.token);
    assert.deepEqual(one.lines.map(({ productId }) => productId), [foreign.id]);
    assert.equal((await shop.get(`/orders/${order.id}`, world.customer.token)).lines.length, 2);
  });

  test('a pending review shows to its author and admins', async () => {
    const { json: review } = await shop.api('POST', '/reviews', {
      token: world.customer.token,
      body: { productId: world.product.id, rating: 5, comment: 'Buy at https://spam.example now' }, expect: 201,
    });
    assert.equal(review.status, 'pending');
    for (const caller of ['none', 'other', 'vendor']) {
      for (const path of [`/reviews/product/${world.product.id}`, `/reviews/user/${world.customer.id}`]) {
        const { items } = await shop.get(path, world.tokens[caller]);
        assert.ok(items.every(({ id }) => id !== review.id), `${caller} ${path}`);
      }
    }
    const own = await shop.get(`/reviews/user/${world.customer.id}`, world.customer.token);
    assert.ok(own.items.some(({ id }) => id === review.id));
    const pending = await shop.get('/reviews?status=pending', world.tokens.admin);
    assert.ok(pending.items.some(({ id }) => id === review.id));
  });
});

// ---- tokens that are none

describe('tokens that are none', () => {
  const refused = async (token, what) => {
    const answer = await shop.api('GET', `/users/${world.customer.id}`, { headers: { authorization: token } });
    assert.equal(answer.status, 401, `${what}: ${answer.text}`);
    assert.match(answer.headers['www-authenticate'], /^Bearer/);
  };
  const coded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test('malformed, foreign, changed and unsigned tokens answer 401', async () => {
    const [header, claims, signature] = world.customer.token.split('.');
    const parsed = JSON.parse(Buffer.from(claims, 'base64url'));
    const alike = JSON.parse(Buffer.from(header, 'base64url'));
    for (const [what, token] of Object.entries({
      empty: 'Bearer ',
      'no scheme': world.customer.token,
      basic: `Basic ${Buffer.from('a:b').toString('base64')}`,
      garbage: 'Bearer abc.def.ghi',
      'of two parts': `Bearer ${header}.${claims}`,
      'with other claims': `Bearer ${header}.${coded({ ...parsed, roles: ['admin'] })}.${signature}`,
      'with alg none': `Bearer ${coded({ ...alike, alg: 'none' })}.${claims}.`,
      'with alg HS256': `Bearer ${coded({ ...alike, alg: 'HS256' })}.${claims}.${signature}`,
      'with another key': `Bearer ${coded({ ...alike, kid: 'nobody' })}.${claims}.${signature}`,
      'with a changed signature': `Bearer ${header}.${claims}.${signature.slice(0, -4)}AAAA`,
      'a refresh token': `Bearer ${world.customer.refreshToken}`,
      'very long': `Bearer ${'a'.repeat(9000)}`,
    })) await refused(token, what);
  });

  test('a bad token is refused where none is needed, too', async () => {
    await shop.api('GET', '/products', { headers: { authorization: 'Bearer abc.def.ghi' }, expect: 401 });
  });

  test('a revoked token, and those of a suspended user, are dead at once', async () => {
    const buyer = await shop.customer();
    const { accessToken } = await shop.login(buyer.email, buyer.password);
    await shop.api('POST', '/auth/revoke', { body: { token: accessToken }, expect: 200 });
    await shop.api('GET', `/users/${buyer.id}`, { token: accessToken, expect: 401 });
    await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
    await shop.api('PUT', `/users/${buyer.id}`, { token: world.tokens.admin, body: { status: 'suspended' }, expect: 200 });
    await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 401 });
    await shop.api('POST', '/auth/refresh', { body: { refreshToken: buyer.refreshToken }, expect: 401 });
    const login = await shop.api('POST', '/users/login', { body: { email: buyer.email, password: buyer.password } });
    assert.ok([401, 403].includes(login.status));
  });
});

test('internal routes do not exist for clients, whoever asks', async () => {
  const internal = [
    ['POST', '/users/check-password', { email: world.other.email, password: world.other.password }],
    ['POST', '/users/addresses', { ids: [world.other.id] }],
    ['POST', '/users/vendors', { name: 'Brand' }],
    ['POST', '/users/admins', {}],
    ['POST', '/auth/sessions', { userId: world.other.id, roles: ['admin'] }],
    ['POST', '/auth/sessions/revoke', { userId: world.other.id, suspended: true }],
    ['POST', '/products/quote', { items: [{ productId: world.product.id, quantity: 1 }] }],
    ['POST', '/products/batch', { products: [] }],
  ];
  await inParallel(internal, 2, async ([method, path, body]) => {
    for (const caller of CALLERS) {
      const { status, json } = await shop.api(method, path, { token: world.tokens[caller], body, check: false });
      assert.ok(status === 404 || status === 405, `${caller} ${path}: ${status}`);
      assert.ok(json.type, path);
    }
  });
});

test('every operation was answered well at least once here', () => {
  const good = new Set([...seenAnswers()].filter((line) => / 2\d\d$/.test(line)).map((line) => line.slice(0, -4)));
  const never = operations.map(({ method, path }) => `${method} ${path}`)
    .filter((name) => !good.has(name) && !name.includes('/parked/'));
  assert.deepEqual(never, []);
});
