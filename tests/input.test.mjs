// Bad input of every kind that the contract names, on every route that openapi.json knows: refused
// with the right status, nothing stored, the server well. Behind it each request that was spoiled is
// sent as it was, and is good: so what was refused was refused for what was spoiled.

import assert from 'node:assert/strict';
import net from 'node:net';
import { before, describe, test } from 'node:test';

import { findOperation, openapi, operations, resolveSchema } from './lib/openapi.mjs';
import { requestBytes, sendRaw } from './lib/raw.mjs';
import { actorOf, makeWorld, requestOf, rowName } from './lib/requests.mjs';
import { inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const BODY_MAX = 1024 * 1024;
const WIDTH = 8;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];

let shop, world, before_;
const cases = []; // {name, operation, request, token}: one for every operation

// OAuth payloads answer faults as RFC 6749 says, and unknown parameters are passed over there.
const isOAuth = ({ name }) => name === 'POST /auth/token';
const isForm = ({ request }) => request.form !== undefined;
const hasBody = ({ operation }) => operation.requestBody !== undefined;
const bodyOptional = ({ operation }) => operation.requestBody?.required !== true;
const jsonCases = () => cases.filter((one) => hasBody(one) && !isForm(one) && !isOAuth(one));

const deref = (schema) => {
  let found = schema;
  while (found?.$ref) {
    found = found.$ref.split('/').slice(1).reduce((node, part) => node[part.replace(/~1/g, '/')], openapi);
  }
  return found;
};
const bodySchema = ({ operation }) =>
  deref(deref(operation.requestBody)?.content?.['application/json']?.schema) ?? {};

const send = ({ request, token }, over = {}) => {
  const { method, path, ...options } = { ...request, token, ...over };
  return shop.api(method, path, options);
};

const problem = (answer, statuses, what) => {
  assert.ok([statuses].flat().includes(answer.status),
    `${what}: ${answer.status}, not ${[statuses].flat().join(' or ')}: ${answer.text.slice(0, 500)}`);
  assert.match(answer.headers['content-type'] ?? '', /^application\/(problem\+)?json/, what);
};

// What is stored, as far as clients and events tell of it.
async function stored() {
  const admin = world.tokens.admin;
  const count = async (path) => (await shop.all(path, admin)).length;
  const events = await runSouk(['events', '--data', shop.dataDir]);
  assert.equal(events.code, 0, events.stderr);
  return {
    users: await count('/users'), clients: await count('/auth/clients'), products: await count('/products'),
    orders: await count('/orders'), reviews: await count('/reviews'), messages: await count('/notifications'),
    stock: await shop.get(`/inventory/${world.product.id}`),
    cart: (await shop.get(`/carts/${world.cart.id}`, world.tokens.customer)).lines,
    events: events.stdout.split('\n').length,
  };
}

before(async () => {
  shop = await startShop();
  world = await makeWorld(shop);
  for (const { method, path, operation, item } of operations) {
    const name = rowName(method, path);
    const request = await requestOf(world, name);
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(deref);
    cases.push({ name, operation, parameters, request, token: world.tokens[actorOf(name)] });
  }
  // What was made for the requests goes on for a moment: events, messages.
  let last = '';
  before_ = await waitFor(async () => {
    const now = await stored();
    const same = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    return same && now;
  }, 'the shop is at rest');
});

// One test per operation, so that a failure names it; the rows are known before the shop is.
function forEach(what, wanted, fn) {
  describe(what, () => {
    for (const { method, path, operation } of operations) {
      if (wanted && !wanted(operation)) continue;
      const name = rowName(method, path);
      test(name, async () => {
        const one = cases.find((found) => found.name === name);
        await fn(one);
      });
    }
  });
}

const takesJson = (operation) => operation.requestBody !== undefined;

// ---- bodies

const bytes = (...parts) => Buffer.concat(parts.map((part) =>
  (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part].flat()))));

const MALFORMED = {
  'an open brace': '{',
  'an open string': '{"a',
  'an open member': '{"a":',
  'a comma too many': '{"a":1,}',
  'a list with a comma too many': '[1,]',
  'single quotes': "{'a':1}",
  'names without quotes': '{a:1}',
  'something behind the end': '{} x',
  'two objects': '{}{}',
  'a word that is none': 'nil',
  'NaN': '{"a":NaN}',
  'a comment': '{/* */}',
  'a number with a leading zero': '{"a":01}',
  'a number with a plus': '{"a":+1}',
  'a number beyond all': '{"a":1e99999}',
  'an escape that is none': '{"a":"\\x41"}',
  'half a surrogate pair': '{"a":"\\ud800"}',
  'an escaped control character': '{"a":"\\u0001"}',
  'an escaped bell in a name': '{"\\u0007":1}',
  'the same member twice': '{"a":1,"a":2}',
  'an escaped NUL': '{"a":"\\u0000"}',
  'an escaped NUL in a name': '{"a\\u0000b":1}',
  'a NUL in a string': bytes('{"a":"', 0, '"}'),
  'a control character in a string': bytes('{"a":"', 1, '"}'),
  'a NUL behind the end': bytes('{}', 0),
  'a byte that is no UTF-8': bytes('{"a":"', 0xff, '"}'),
  'an overlong NUL': bytes('{"a":"', [0xc0, 0x80], '"}'),
  'an encoded surrogate': bytes('{"a":"', [0xed, 0xa0, 0x80], '"}'),
  'a broken sequence': bytes('{"a":"', [0xe2, 0x82], '"}'),
  'beyond Unicode': bytes('{"a":"', [0xf4, 0x90, 0x80, 0x80], '"}'),
  'UTF-16': Buffer.from('{"a":1}', 'utf16le'),
  'lists too deep': '['.repeat(5000) + ']'.repeat(5000),
  'objects too deep': '{"a":'.repeat(5000) + '1' + '}'.repeat(5000),
};

forEach('a body that is no JSON answers 400', takesJson, async (one) => {
  if (isOAuth(one)) return; // see below
  for (const [what, raw] of Object.entries(MALFORMED)) {
    problem(await send(one, { body: undefined, form: undefined, raw }), 400, what);
  }
});

forEach('a control character in a text answers 400, escaped or not', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const [member, value] of Object.entries(one.request.body ?? {})) {
    if (typeof value !== 'string') continue;
    for (const bad of ['\u0001', '\u0007', '\u001b', '\u007f', '\u0085', '\u0000']) {
      const raw = JSON.stringify({ ...one.request.body, [member]: '@@' });
      const escaped = `\\u00${bad.charCodeAt(0).toString(16).padStart(2, '0')}`;
      for (const written of [bad, escaped]) {
        problem(await send(one, { body: undefined, raw: raw.replace('@@', `${value}${written}`) }), 400,
          `${member}: ${JSON.stringify(written)}`);
      }
    }
  }
});

forEach('an empty body answers 400 where one is needed', takesJson, async (one) => {
  if (isOAuth(one) || bodyOptional(one)) return;
  problem(await send(one, { body: undefined, raw: '' }), 400, 'empty');
  problem(await send(one, { body: undefined, raw: ' \n' }), 400, 'white space');
});

forEach('a body that is no object answers 422', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const raw of ['[]', '"text"', '17', 'true', 'null', '[{}]']) {
    problem(await send(one, { body: undefined, raw }), 422, raw);
  }
});

forEach('a member that is unknown answers 422 and its pointer', takesJson, async (one) => {
  if (isOAuth(one)) return;
  const body = { ...one.request.body, zzUnknown: 1 };
  const answer = await send(one, { body });
  problem(answer, 422, 'unknown');
  assert.ok(answer.json.errors.some(({ pointer }) => pointer === '/zzUnknown'), answer.text);
});

// Values of other types than the good one's.
function wrongFor(value) {
  const all = { text: 'text', number: 17, flag: true, list: ['x', 1, {}], object: { zz: 1 } };
  const type = Array.isArray(value) ? 'list'
    : value !== null && typeof value === 'object' ? 'object'
      : { string: 'text', number: 'number', boolean: 'flag' }[typeof value];
  const wrong = Object.entries(all).filter(([name]) => name !== type).map(([, other]) => other);
  if (type === 'number') wrong.push(1.5, -9007199254740991);
  return wrong;
}

// Members of an object of the caller's own making may be of any type and name.
const FREE = new Set(['properties', 'attributes', 'data', 'options']);

forEach('a member of the wrong type answers 422 and its pointer', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const [member, value] of Object.entries(one.request.body ?? {})) {
    for (const wrong of wrongFor(value)) {
      if (FREE.has(member) && wrong !== null && typeof wrong === 'object') continue;
      if (member === 'adjust' && wrong === -9007199254740991) continue; // a rule of the stock's
      const answer = await send(one, { body: { ...one.request.body, [member]: wrong } });
      const what = `${member}: ${JSON.stringify(wrong)}`;
      problem(answer, 422, what);
      assert.ok(answer.json.errors.some(({ pointer }) =>
        pointer === `/${member}` || pointer.startsWith(`/${member}/`)), `${what}: ${answer.text}`);
    }
  }
});

forEach('members of members are checked alike', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const [member, value] of Object.entries(one.request.body ?? {})) {
    if (value === null || typeof value !== 'object' || FREE.has(member)) continue;
    const inner = Array.isArray(value) ? value[0] : value;
    if (inner === null || typeof inner !== 'object') continue;
    const wrap = (spoiled) => ({ ...one.request.body, [member]: Array.isArray(value) ? [spoiled] : spoiled });
    const at = Array.isArray(value) ? `/${member}/0` : `/${member}`;
    const unknown = await send(one, { body: wrap({ ...inner, zzUnknown: 1 }) });
    problem(unknown, 422, `${at}/zzUnknown`);
    assert.ok(unknown.json.errors.some(({ pointer }) => pointer === `${at}/zzUnknown`), unknown.text);
    for (const [name, good] of Object.entries(inner)) {
      for (const wrong of wrongFor(good)) {
        const answer = await send(one, { body: wrap({ ...inner, [name]: wrong }) });
        problem(answer, 422, `${at}/${name}: ${JSON.stringify(wrong)}`);
        assert.ok(answer.json.errors.some(({ pointer }) => pointer.startsWith(`${at}/${name}`)), answer.text);
      }
    }
  }
});

forEach('a member that is missing answers 422 and its pointer', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const member of bodySchema(one).required ?? []) {
    const { [member]: _, ...body } = one.request.body;
    const answer = await send(one, { body });
    problem(answer, 422, member);
    assert.ok(answer.json.errors.some(({ pointer }) => pointer === `/${member}`), `${member}: ${answer.text}`);
  }
});

forEach('numbers beyond what can be stored are refused', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const [member, value] of Object.entries(one.request.body ?? {})) {
    if (typeof value !== 'number') continue;
    for (const huge of ['9223372036854775808', '-9223372036854775809', '1e30', '123456789012345678901234567890']) {
      const raw = JSON.stringify({ ...one.request.body, [member]: '@@' }).replace('"@@"', huge);
      problem(await send(one, { body: undefined, raw }), [400, 422], `${member}: ${huge}`);
    }
  }
});

forEach('texts that are too long, and lists too, are refused', takesJson, async (one) => {
  if (isOAuth(one)) return;
  for (const [member, value] of Object.entries(one.request.body ?? {})) {
    if (typeof value === 'string') {
      const answer = await send(one, { body: { ...one.request.body, [member]: 'ä'.repeat(300_000) } });
      problem(answer, 422, member);
    } else if (Array.isArray(value) && value.length) {
      const answer = await send(one, { body: { ...one.request.body, [member]: Array(5000).fill(value[0]) } });
      problem(answer, 422, member);
    }
  }
});

forEach('all faults of a body are named, not the first only', takesJson, async (one) => {
  if (isOAuth(one)) return;
  const members = Object.keys(one.request.body ?? {}).filter((member) => !FREE.has(member));
  const body = { zzUnknown: 1, zzOther: 2 };
  for (const member of members) body[member] = wrongFor(one.request.body[member])[0];
  const answer = await send(one, { body });
  problem(answer, 422, 'all wrong');
  for (const member of Object.keys(body)) {
    assert.ok(answer.json.errors.some(({ pointer }) => pointer === `/${member}` || pointer.startsWith(`/${member}/`)),
      `${member} is not named: ${answer.text}`);
  }
});

forEach('a body that is not JSON by its media type answers 415', takesJson, async (one) => {
  const raw = one.request.form ? 'a=b' : JSON.stringify(one.request.body ?? {});
  const types = ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonx', 'json', ''];
  if (!deref(one.operation.requestBody).content['application/x-www-form-urlencoded']) {
    types.push('application/x-www-form-urlencoded');
  }
  for (const type of types) {
    const answer = await send(one, { body: undefined, form: undefined, raw, headers: { ...one.request.headers, 'content-type': type } });
    problem(answer, 415, `"${type}"`);
  }
  const none = await send(one, { body: undefined, form: undefined, raw, headers: { ...one.request.headers, 'content-type': undefined } });
  problem(none, 415, 'no Content-Type');
  const packed = await send(one, { body: undefined, form: undefined, raw,
    headers: { ...one.request.headers, 'content-type': 'application/json', 'content-encoding': 'gzip' } });
  problem(packed, 415, 'Content-Encoding');
});

forEach('a body over the limit answers 413', takesJson, async (one) => {
  const { method, path } = one.request;
  const lines = ['Content-Type: application/json', ...(one.token ? [`Authorization: Bearer ${one.token}`] : [])];
  const told = await sendRaw(shop.url, requestBytes(method, path, [...lines, 'Content-Length: 20000000000']));
  assert.equal(told.status, 413);
  assert.match(told.headers['content-type'], /json/);
  const body = `{"a":"${'x'.repeat(BODY_MAX)}"}`;
  const sent = await sendRaw(shop.url, requestBytes(method, path, lines, body));
  assert.equal(sent.status, 413);
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`;
  const chunked = await sendRaw(shop.url, Buffer.concat([
    requestBytes(method, path, [...lines, 'Transfer-Encoding: chunked']),
    Buffer.from(chunk.repeat(20) + '0\r\n\r\n')]));
  assert.equal(chunked.status, 413);
});

test('the token endpoint answers bad input as RFC 6749 says', async () => {
  const token = (options) => shop.api('POST', '/auth/token', options);
  const refused = async (options, statuses, code) => {
    const { status, json, text } = await token(options);
    assert.ok([statuses].flat().includes(status), text);
    assert.equal(json.error, code, text);
  };
  await refused({ form: {} }, 400, 'invalid_request');
  await refused({ form: { grant_type: 'conjuring' } }, 400, 'unsupported_grant_type');
  await refused({ form: { grant_type: 'password' } }, 400, 'invalid_request');
  await refused({ form: { grant_type: 'password', username: 'a@b.example', password: 'wrong-Passphrase-1' } }, 400, 'invalid_grant');
  await refused({ form: { grant_type: 'refresh_token', refresh_token: 'nonsense' } }, 400, 'invalid_grant');
  await refused({ form: { grant_type: 'client_credentials' } }, [400, 401], 'invalid_client');
  await refused({ form: { grant_type: 'client_credentials', client_id: 'x', client_secret: 'y' } }, [400, 401], 'invalid_client');
  await refused({
    raw: 'grant_type=password&grant_type=password', headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }, 400, 'invalid_request');
  for (const raw of ['grant_type=%ff', 'grant_type=%00', 'grant_type=%', '=&&&', 'grant_type=\x00']) {
    const { status, json } = await token({ raw, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.equal(status, 400, raw);
    assert.ok(json.error || json.type);
  }
  for (const [what, raw] of Object.entries(MALFORMED)) {
    assert.equal((await token({ raw })).status, 400, what);
  }
});

// ---- paths, queries, headers

const MAY_BE_NONE = ['GET /orders/user/{}', 'GET /reviews/user/{}', 'GET /reviews/product/{}', 'GET /payments/{}/status'];

forEach('an id in the path that is none answers 404', null, async (one) => {
  const names = one.parameters.filter((parameter) => parameter.in === 'path');
  if (!names.length || one.name.startsWith('GET /problems')) return;
  const { path } = one.request;
  const good = path.split('?')[0].split('/').filter((part) => /^[0-9a-f-]{36}$/.test(part));
  for (const id of good) {
    const texts = ['0', '-1', 'x', id.slice(1), `${id}0`, id.replace(/./g, 'g'), '%2e%2e', '%00', '%ff', '%',
      `${id}%00`, `${id}'`, '00000000-0000-7000-8000-000000000000', 'x'.repeat(2000), '%F0%9F%92%A9'];
    for (const text of texts) {
      const answer = await send(one, { path: path.replace(id, text) });
      // A token or a role may be looked at first, but never a success.
      // Lists of nobody's are empty, payments of no order none: these tell nothing of who is there.
      const none = MAY_BE_NONE.includes(one.name) && /^0{8}-/.test(text);
      problem(answer, none ? [404, 200] : [404, 400], text);
      if (answer.status === 200) assert.deepEqual(answer.json.items ?? answer.json.transactions, [], text);
    }
  }
});

const BAD_BY_TYPE = {
  integer: ['x', '1.5', '1e3', '--1', '9223372036854775808', '99999999999999999999999', '0x10', ' '],
  boolean: ['maybe', '1', 'TRUE'],
};
const BAD_BY_FORMAT = {
  'uuid': ['x', '123', 'g'.repeat(36)],
  'date-time': ['yesterday', '2026-13-01T00:00:00.000Z', '2026-02-30T00:00:00Z', '1', '2026'],
};

forEach('a query parameter that breaks its rule answers 422 and its name', null, async (one) => {
  const [path, query] = one.request.path.split('?');
  for (const parameter of one.parameters.filter((found) => found.in === 'query')) {
    const schema = deref(parameter.schema) ?? {};
    const bad = [
      ...(BAD_BY_TYPE[[schema.type].flat()[0]] ?? []),
      ...(BAD_BY_FORMAT[schema.format] ?? []),
      ...(schema.enum ? ['nonsense', `${schema.enum[0]}x`, schema.enum[0].toUpperCase()] : []),
      ...(schema.minimum !== undefined ? [String(schema.minimum - 1)] : []),
      ...(schema.maximum !== undefined ? [String(schema.maximum + 1)] : []),
      ...(parameter.name === 'cursor' ? ['nonsense', 'AAAA', '%%%', 'x'.repeat(3000), '{}', 'eyJhIjoxfQ'] : []),
      ...(parameter.name === 'limit' ? ['0', '101', '-1', 'all', ''] : []),
      'a\x00b', 'a\x01b',
    ];
    for (const text of bad) {
      const at = new URLSearchParams(query);
      at.set(parameter.name, text);
      const answer = await send(one, { path: `${path}?${at}` });
      const what = `${parameter.name}=${JSON.stringify(text)}`;
      problem(answer, /[\x00-\x1f]/.test(text) ? [400, 422] : 422, what);
      if (answer.status === 422) {
        assert.ok(answer.json.errors.some((fault) => fault.parameter === parameter.name), `${what}: ${answer.text}`);
      }
    }
    for (const raw of ['%ff', '%c0%80', '%', '%zz', '%00']) {
      const answer = await send(one, { path: `${path}?${parameter.name}=${raw}` });
      problem(answer, [400, 422], `${parameter.name}=${raw}`);
    }
  }
});

forEach('a query parameter that is unknown, or there twice, answers 422 and its name', null, async (one) => {
  const { path } = one.request;
  const [bare, query = ''] = path.split('?');
  const known = one.operation.parameters?.map((parameter) => resolveSchema(openapi, parameter))
    .filter(({ in: place }) => place === 'query').map(({ name }) => name) ?? [];
  const asked = async (pairs) => {
    const answer = await send(one, { path: `${bare}?${query}${query ? '&' : ''}${pairs}` });
    return { answer, faults: answer.status === 422 ? answer.json.errors.map(({ parameter, detail }) => `${parameter} ${detail}`) : [] };
  };
  for (const [pairs, name] of [['utm_source=x', 'utm_source'], ['zz', 'zz'], ['=1', ''], ['Limit=1', 'Limit'], ['%7A%7A=1', 'zz']]) {
    const { answer, faults } = await asked(pairs);
    problem(answer, 422, pairs);
    assert.ok(faults.includes(`${name} is no parameter of this endpoint`), `${pairs}: ${answer.text}`);
  }
  const { faults } = await asked('one=1&two=2');
  assert.deepEqual(faults.filter((fault) => /is no parameter/.test(fault)), ['one is no parameter of this endpoint', 'two is no parameter of this endpoint']);
  for (const name of known) {
    const twice = await asked(`${name}=1&${name}=1`);
    problem(twice.answer, 422, `${name} twice`);
    assert.ok(twice.faults.includes(`${name} is there twice`), `${name}: ${twice.answer.text}`);
    assert.ok(!twice.faults.some((fault) => /is no parameter/.test(fault)), `${name} is described, and not known`);
  }
});

// What is read of a resource may come back with a change of it (PUT); a new one has none of it.
forEach('a member that only the shop sets is a fault of what is new', (operation) => operation.requestBody !== undefined,
  async (one) => {
    if (one.request.method !== 'POST' || !one.request.body || one.name.startsWith('POST /auth/token')) return;
    for (const name of ['id', 'createdAt', 'updatedAt', 'version']) {
      const answer = await send(one, { body: { ...one.request.body, [name]: 'x' } });
      problem(answer, 422, name);
      assert.ok(answer.json.errors.some(({ pointer }) => pointer === `/${name}`), answer.text);
    }
  });

forEach('an Idempotency-Key that is none answers 400', (operation) => operation['x-idempotent'] === true, async (one) => {
  for (const key of [' ', 'x'.repeat(256), 'a b', 'a\tb', 'é']) {
    const answer = await send(one, { headers: { ...one.request.headers, 'idempotency-key': key } });
    problem(answer, 400, JSON.stringify(key));
  }
});

forEach('headers over the limit answer 431', null, async (one) => {
  const { method, path } = one.request;
  for (const lines of [[`X-Filler: ${'x'.repeat(17 * 1024)}`],
    Array.from({ length: 100 }, (_, i) => `X-Filler-${i}: ${'x'.repeat(150)}`)]) {
    const answer = await sendRaw(shop.url, requestBytes(method, path, lines));
    assert.equal(answer?.status, 431, answer?.text);
    assert.match(answer.headers['content-type'], /json/);
  }
});

test('a method that a path does not know answers 405 and the ones that it knows', async () => {
  const paths = [...new Set(operations.map(({ path }) => path))];
  await inParallel(paths, WIDTH, async (path) => {
    const known = operations.filter((found) => found.path === path).map(({ method }) => method);
    const one = cases.find(({ name }) => name === rowName(known[0], path));
    const real = one.request.path.split('?')[0];
    for (const method of METHODS.filter((name) => !known.includes(name))) {
      // Another path may stand in the same place: GET /users/register is a GET of /users/{id}.
      if (findOperation(method, real)) continue;
      const answer = await shop.api(method, real, { token: one.token, body: method === 'GET' ? undefined : {}, check: false });
      problem(answer, 405, `${method} ${real}`);
      const allow = answer.headers.allow.split(/,\s*/);
      for (const name of known) assert.ok(allow.includes(name), `${real}: Allow: ${answer.headers.allow}`);
      assert.equal(allow.includes('HEAD'), known.includes('GET'), `${real}: Allow: ${answer.headers.allow}`);
      assert.ok(!allow.includes(method));
    }
  });
});

test('a path that is unknown answers 404, whoever asks and however', async () => {
  const paths = ['/', '/nowhere', '/orders/', '/orders//', '//orders', '/users/register/x', '/products/a/b/c',
    '/../etc/passwd', '/%2e%2e/etc/passwd', '/orders/%2e%2e/users', '/.git/config', '/openapi.yaml', '/PRODUCTS',
    '/products%00', '/%', '/%ff', '/\u{1F4A9}'.replace(/[^\x00-\x7f]/gu, encodeURIComponent), `/${'x/'.repeat(500)}`];
  for (const path of paths) {
    for (const method of METHODS) {
      const body = method === 'POST' || method === 'PUT' ? {} : undefined;
      const answer = await shop.api(method, path, { body, token: world.tokens.admin, check: false });
      problem(answer, [400, 404], `${method} ${path}`);
    }
  }
});

// ---- HTTP itself

test('broken HTTP is answered with 400 or closed, and never understood in two ways', async () => {
  const json = 'Content-Type: application/json';
  const broken = {
    'no request': '\r\n\r\n\r\n',
    'no version': 'GET /healthz\r\n\r\n',
    'a version that is none': 'GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n',
    'no host': 'GET /healthz HTTP/1.1\r\n\r\n',
    'two hosts': 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'a header without colon': 'GET /healthz HTTP/1.1\r\nHost: a\r\nNonsense\r\n\r\n',
    'a space before the colon': 'GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n',
    'a NUL in a header': 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n',
    'two lengths': requestBytes('POST', '/carts', [json, 'Content-Length: 2', 'Content-Length: 3'], '{} '),
    'a length that is none': requestBytes('POST', '/carts', [json, 'Content-Length: two'], '{}'),
    'a negative length': requestBytes('POST', '/carts', [json, 'Content-Length: -2'], '{}'),
    'length and chunks': requestBytes('POST', '/carts', [json, 'Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    'two encodings': requestBytes('POST', '/carts', [json, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    'an unknown encoding': requestBytes('POST', '/carts', [json, 'Transfer-Encoding: gzip'], '{}'),
    'a chunk without size': requestBytes('POST', '/carts', [json, 'Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'),
  };
  for (const [what, request] of Object.entries(broken)) {
    const answer = await sendRaw(shop.url, Buffer.from(request, 'latin1'), { half: true });
    assert.ok(answer === null || [400, 411, 501, 505].includes(answer.status), `${what}: ${answer?.status} ${answer?.text}`);
  }
});

test('a connection that ends in the middle of a request leaves nothing behind', async () => {
  const { hostname, port } = new URL(shop.url);
  const whole = requestBytes('POST', '/products',
    ['Content-Type: application/json', `Authorization: Bearer ${world.tokens.admin}`, 'Content-Length: 500'], '{"name":"half');
  for (const end of [0, 20, 60, whole.length - 5, whole.length]) {
    await new Promise((done, fail) => {
      const socket = net.connect({ host: hostname, port }, () => {
        socket.write(whole.subarray(0, end), () => socket.destroy());
      });
      socket.on('close', done);
      socket.on('error', fail);
    });
  }
  await shop.api('GET', '/healthz', { expect: 200 });
});

test('an address that is too long answers 414 or 431', async () => {
  for (const path of [`/products?q=${'x'.repeat(9000)}`, `/products/${'x'.repeat(20000)}`]) {
    const answer = await sendRaw(shop.url, requestBytes('GET', path));
    assert.ok([414, 431].includes(answer?.status), `${path.length}: ${answer?.status}`);
  }
});

// ---- behind all of it

test('nothing of it was stored, and no event told of it', async () => {
  assert.deepEqual(await stored(), before_);
});

test('the server is well', async () => {
  await shop.api('GET', '/readyz', { expect: 200 });
  const faults = shop.logLines().filter(({ level }) => level === 'error');
  assert.deepEqual(faults, []);
});

test('the requests that were spoiled are good as they were', async () => {
  for (const one of cases) {
    if (one.name.includes('/parked/')) continue; // nothing is parked in a shop that is well
    const answer = await send(one);
    assert.ok(answer.status < 300, `${one.name}: ${answer.status} ${answer.text}`);
  }
  assert.ok(jsonCases().length > 20);
});
