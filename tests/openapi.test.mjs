// The descriptions in api/ against the program: its routes, its events, and what it really says.
// (Every answer in every test is held to the description too: see lib/openapi.mjs.)

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { parse } from 'yaml';

import { openapi, operations, seenAnswers, validatorOver } from './lib/openapi.mjs';
import { REQUESTS, actorOf, makeWorld, requestOf, rowName } from './lib/requests.mjs';
import { ROOT, runSouk, startShop, waitFor } from './lib/shop.mjs';

const ROLES = ['customer', 'vendor', 'admin', 'service'];
const EVENTS_FILE = join(ROOT, 'api/asyncapi.yaml');

const asyncapi = existsSync(EVENTS_FILE) ? parse(readFileSync(EVENTS_FILE, 'utf8')) : null;

const deref = (document, part) => {
  let found = part;
  while (found?.$ref) {
    found = found.$ref.split('/').slice(1).reduce((node, name) => node[name.replace(/~1/g, '/').replace(/~0/g, '~')], document);
  }
  return found;
};

// ---- routes

describe('api/openapi.yaml', () => {
  let routes;

  before(async () => {
    const { code, stdout, stderr } = await runSouk(['routes']);
    assert.equal(code, 0, stderr);
    routes = stdout.trim().split('\n').map((line) => {
      const [method, path, roles, flags = ''] = line.trim().split(/\s+/);
      return { name: rowName(method, path), roles: roles.split(','), flags: flags.split(',').filter((flag) => flag && flag !== '-') };
    }).filter(({ flags }) => !flags.includes('internal'));
  });

  test('is a description of version 3.1', () => {
    assert.match(openapi.openapi, /^3\.1\.\d+$/);
    assert.ok(openapi.info.title && openapi.info.version);
  });

  test('has every route of the program, and the program every operation', () => {
    assert.deepEqual(routes.map(({ name }) => name).sort(),
      operations.map(({ method, path }) => rowName(method, path)).sort());
  });

  test('says who may call as the route\'s row does', () => {
    for (const { name, roles } of routes) {
      const { operation } = operations.find(({ method, path }) => rowName(method, path) === name);
      assert.deepEqual([...operation['x-roles'] ?? []].sort(), [...roles].sort(), name);
      for (const role of roles) assert.ok(role === 'anyone' || ROLES.includes(role), `${name}: ${role}`);
    }
  });

  test('says which operations take an Idempotency-Key, and which a body', () => {
    for (const { name, flags } of routes) {
      const { operation, item } = operations.find(({ method, path }) => rowName(method, path) === name);
      assert.equal(operation['x-idempotent'] === true, flags.includes('idempotent'), `${name} idempotent`);
      const named = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
        .map((parameter) => deref(openapi, parameter))
        .some(({ name: header, in: where }) => where === 'header' && /^idempotency-key$/i.test(header));
      assert.equal(named, flags.includes('idempotent'), `${name} names the header`);
      const body = flags.some((flag) => ['body', 'form', 'body-optional', 'body_optional'].includes(flag));
      assert.equal(operation.requestBody !== undefined, body, `${name} body`);
      const types = Object.keys(deref(openapi, operation.requestBody)?.content ?? {});
      assert.equal(types.includes('application/x-www-form-urlencoded'), flags.includes('form'), `${name} form`);
    }
  });

  test('names each parameter of each path, an operationId for each operation, and no other refs than good ones', () => {
    const ids = new Set();
    for (const { path, method, operation, item } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => deref(openapi, one));
      assert.deepEqual(parameters.filter((one) => one.in === 'path').map(({ name }) => name).sort(), inPath.sort(), path);
      assert.ok(operation.operationId, `${method} ${path}`);
      assert.ok(!ids.has(operation.operationId), operation.operationId);
      ids.add(operation.operationId);
      assert.ok(operation.summary || operation.description, `${method} ${path}`);
    }
    (function walk(part) {
      if (!part || typeof part !== 'object') return;
      if (typeof part.$ref === 'string') assert.ok(deref(openapi, part), part.$ref);
      for (const value of Object.values(part)) walk(value);
    })(openapi);
  });

  test('documents 401 and 403 where a token is needed, 422 where there is input, 404 where there is an id', () => {
    for (const { path, method, operation } of operations) {
      const has = (status) => operation.responses[status] || operation.responses['4XX'] || operation.responses.default;
      const name = `${method} ${path}`;
      if (!operation['x-roles'].includes('anyone')) {
        assert.ok(has(401), `${name} 401`);
        assert.ok(has(403), `${name} 403`);
      }
      if (path.includes('{')) assert.ok(has(404), `${name} 404`);
      if (!operation.requestBody) continue;
      assert.ok(has(400), `${name} 400`);
      assert.ok(has(422) || path === '/auth/token', `${name} 422`); // faults as RFC 6749 says
    }
  });

  test('every problem that the program knows is one that openapi.yaml can name', () => {
    const slugs = [...readFileSync(join(ROOT, 'contract/errors.def'), 'utf8')
      .matchAll(/^ERROR\(\w+, \d+, "([\w-]+)"/gm)].map(([, slug]) => slug);
    const type = deref(openapi, openapi.components.schemas.Problem)?.properties?.type;
    assert.ok(type, 'there is a schema Problem with its type');
    const known = type.enum ?? [];
    if (known.length) assert.deepEqual([...known].sort(), slugs.map((slug) => `/problems/${slug}`).sort());
  });
});

// ---- events and answers

describe('what the program says', () => {
  let shop, world, envelopes;

  // One event of every type, at least.
  before(async () => {
    shop = await startShop({ env: { SOUK_REFUND_ATTEMPTS: '1' } });
    world = await makeWorld(shop);
    const { customer, vendor, tokens } = world;
    const buy = (items, more = {}) => shop.buy({ buyer: customer, items, ...more });
    const move = (id, status) => shop.api('PUT', `/orders/${id}/status`, { token: tokens.admin, body: { status }, expect: 200 });
    const few = await shop.createProduct({ vendor, name: 'Scarce', stock: 3 });
    const one = [{ productId: world.product.id, quantity: 1 }];
    await shop.api('PUT', `/inventory/${few.id}`, { token: vendor.token, body: { onHand: 3, lowStockThreshold: 2 }, expect: 200 });
    for (const status of ['shipped', 'delivered', 'returned']) await move(world.order.id, status);
    await buy([{ productId: few.id, quantity: 2 }]);
    await buy([{ productId: few.id, quantity: 9 }]);
    await buy(one, { payment: 'tok_declined' });
    const { id } = await buy(one);
    await move(id, 'cancelled');
    const { id: kept } = await buy(one, { payment: 'tok_refund_declined' });
    await move(kept, 'cancelled');
    await waitFor(async () => (await shop.get('/payments?kind=refund&status=failed', tokens.admin)).items.length === 1,
      'a refund fails');
    await shop.api('DELETE', `/reviews/${world.review.id}`, { token: customer.token, expect: 204 });
    await shop.api('PUT', `/products/${few.id}`, { token: vendor.token, body: { name: 'Scarcer' }, expect: 200 });
    await shop.api('DELETE', `/products/${few.id}`, { token: vendor.token, expect: 204 });
    for (const orderId of [id, world.order.id]) {
      await waitFor(async () => (await shop.get(`/payments/${orderId}/status`, tokens.admin)).status === 'refunded',
        'the refund is made');
    }
    const read = async () => {
      const { code, stdout, stderr } = await runSouk(['events', '--data', shop.dataDir]);
      assert.equal(code, 0, stderr);
      return stdout.trim().split('\n').map((line) => JSON.parse(line));
    };
    await waitFor(async () => (await read()).some(({ type }) => type === 'ReviewRemoved'), 'the events are stored');
    envelopes = await read();
  });

  test('api/asyncapi.yaml has every event of the program with its source, and no other', async () => {
    const { code, stdout } = await runSouk(['events']);
    assert.equal(code, 0);
    const told = Object.fromEntries(stdout.trim().split('\n').map((line) => line.trim().split(/\s+/)));
    assert.match(asyncapi.asyncapi, /^3\.0/);
    const described = Object.fromEntries(messages().map(([type, message]) => [type, sourceOf(message)]));
    assert.deepEqual(described, Object.fromEntries(Object.entries(told).map(([type, source]) => [type, `/services/${source}`])));
  });

  test('what was told is each type of event at least once', () => {
    assert.deepEqual([...new Set(envelopes.map(({ type }) => type))].sort(), messages().map(([type]) => type).sort());
  });

  test('every event is as api/asyncapi.yaml describes it', () => {
    const validator = validatorOver(asyncapi);
    for (const envelope of envelopes) {
      const faults = validator.faults(`/components/messages/${envelope.type}/payload`, envelope);
      assert.equal(faults, null, `${faults}\n${JSON.stringify(envelope, null, 1)}`);
      assert.equal(envelope.specversion, '1.0');
      assert.match(envelope.traceparent ?? '00-0-0-00', /^00-/);
      assert.ok(envelope.subject);
    }
    assert.equal(new Set(envelopes.map(({ id }) => id)).size, envelopes.length);
  });

  // The envelope's schema may be in `payload` as a whole, or made of parts: the const is found.
  function sourceOf(message) {
    let found;
    (function walk(part, depth) {
      const schema = deref(asyncapi, part);
      if (!schema || typeof schema !== 'object' || depth > 6) return;
      found ??= schema.properties?.source && deref(asyncapi, schema.properties.source).const;
      for (const inner of schema.allOf ?? []) walk(inner, depth + 1);
    })(message.payload, 0);
    return found;
  }

  function messages() {
    return Object.entries(asyncapi.components.messages).map(([type, message]) => [type, deref(asyncapi, message)]);
  }

  test('each good request gets an answer that is described', async () => {
    for (const name of Object.keys(REQUESTS)) {
      const { method, path, ...options } = await requestOf(world, name);
      const answer = await shop.api(method, path, { ...options, token: world.tokens[actorOf(name)] });
      if (!name.includes('/parked/')) assert.ok(answer.status < 300, `${name}: ${answer.status} ${answer.text}`);
    }
    assert.ok(seenAnswers().size >= Object.keys(REQUESTS).length);
  });

  test('each request with an Idempotency-Key is done once, and its answer repeated', async () => {
    for (const { method, path, operation } of operations) {
      if (!operation['x-idempotent']) continue;
      const name = rowName(method, path);
      if (name.includes('/parked/')) continue;
      const request = await requestOf(world, name);
      const key = shop.unique('twice');
      const ask = (over = {}) => {
        const { method: how, path: where, ...options } = { ...request, token: world.tokens[actorOf(name)], key, ...over };
        return shop.api(how, where, options);
      };
      const first = await ask();
      assert.ok(first.status < 300, `${name}: ${first.text}`);
      assert.equal(first.headers['idempotency-replayed'], undefined, name);
      const second = await ask();
      assert.equal(second.status, first.status, `${name}: ${second.text}`);
      assert.equal(second.headers['idempotency-replayed'], 'true', name);
      assert.deepEqual(second.json, first.json, name);
      assert.equal(second.headers.location, first.headers.location, name);
      if (request.body && Object.keys(request.body).length) {
        const other = await ask({ body: { ...request.body, zzOther: 1 } });
        assert.equal(other.status, 422, `${name}: ${other.text}`);
        assert.equal(other.json.type, '/problems/idempotency-key-reused', name);
      }
    }
  });

  test('what is created has a Location that leads to it', async () => {
    for (const name of ['POST /users/register', 'POST /products', 'POST /orders', 'POST /carts']) {
      const { method, path, ...options } = await requestOf(world, name);
      const token = name === 'POST /orders' || name === 'POST /carts' ? world.tokens.customer : world.tokens.admin;
      const made = await shop.api(method, path, { ...options, token, expect: 201 });
      assert.match(made.headers.location, /^\//, name);
      const found = await shop.get(made.headers.location, token);
      assert.equal(found.id, made.json.id, name);
    }
  });

  test('single resources carry an ETag; GET honours If-None-Match, changes honour If-Match', async () => {
    for (const [name, change] of [
      ['GET /users/{}', { name: 'Other' }], ['GET /products/{}', { description: 'Other' }],
    ]) {
      const { path } = await requestOf(world, name);
      const token = world.tokens.admin;
      const { headers } = await shop.api('GET', path, { token, expect: 200 });
      assert.match(headers.etag, /^"[^"]+"$/, name);
      const same = await shop.api('GET', path, { token, headers: { 'if-none-match': headers.etag }, expect: 304 });
      assert.equal(same.text, '');
      assert.equal(same.headers.etag, headers.etag);
      await shop.api('GET', path, { token, headers: { 'if-none-match': '"other"' }, expect: 200 });
      await shop.api('PUT', path, { token, body: change, headers: { 'if-match': '"999.999"' }, expect: 412 });
      await shop.api('PUT', path, { token, body: change, headers: { 'if-match': headers.etag }, expect: 200 });
      await shop.api('PUT', path, { token, body: change, headers: { 'if-match': headers.etag }, expect: 412 });
    }
  });

  test('what GET gives, PUT takes back', async () => {
    for (const [path, token] of [
      [`/users/${world.customer.id}`, world.tokens.customer], [`/products/${world.product.id}`, world.tokens.vendor],
    ]) {
      const { json } = await shop.api('GET', path, { token, expect: 200 });
      const { json: behind } = await shop.api('PUT', path, { token, body: json, expect: 200 });
      assert.deepEqual({ ...behind, updatedAt: 0 }, { ...json, updatedAt: 0 });
    }
  });

  test('lists come in pages that together are the whole, with a Link to the next', async () => {
    for (let i = 0; i < 5; i++) await shop.createProduct({ vendor: world.vendor, name: `Page ${i}`, stock: 1 });
    for (const [path, token] of [
      ['/products', undefined], [`/products?vendorId=${world.vendor.id}&sort=price`, undefined],
      ['/users', world.tokens.admin], ['/orders', world.tokens.admin], [`/orders/user/${world.customer.id}`, world.tokens.customer],
      ['/notifications', world.tokens.admin], ['/inventory', world.tokens.vendor],
    ]) {
      const whole = (await shop.all(path, token, 100)).map((item) => item.id ?? item.productId);
      const paged = (await shop.all(path, token, 2)).map((item) => item.id ?? item.productId);
      assert.ok(whole.length > 2, path);
      assert.deepEqual(paged, whole, path);
      const first = await shop.api('GET', `${path}${path.includes('?') ? '&' : '?'}limit=2`, { token, expect: 200 });
      const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.link);
      const { items } = await shop.get(next, token);
      assert.equal(items[0].id ?? items[0].productId, whole[2], path);
    }
  });
});
