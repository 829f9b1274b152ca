// What whoever runs a shop relies on: its signs of life, its figures, its log, its limits, its
// command line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { openapi } from './lib/openapi.mjs';
import { ADMIN_PASSWORD, PASSWORD, ROOT, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const SERVICES = ['user', 'auth', 'product', 'order', 'payment', 'inventory', 'review', 'notification', 'analytics'];
const ORIGIN = 'https://shop.example';

const errorsDef = readFileSync(join(ROOT, 'contract/errors.def'), 'utf8');
const problems = [...errorsDef.matchAll(/^ERROR\(\w+, (\d+), "([\w-]+)", "([^"]+)"/gm)]
  .map(([, status, slug, title]) => ({ status: Number(status), slug, title }));

let shop;

before(async () => {
  shop = await startShop({ env: { SOUK_CORS_ORIGINS: ORIGIN } });
});

// ---- signs of life

test('healthz says that it lives', async () => {
  await shop.api('GET', '/healthz', { expect: 200 });
});

test('readyz names each thing that it depends on', async () => {
  const { text } = await shop.api('GET', '/readyz', { expect: 200 });
  for (const service of SERVICES) assert.match(text, new RegExp(`"${service}`), service);
});

test('HEAD answers as GET does, without a body', async () => {
  for (const path of ['/healthz', '/products', '/openapi.json']) {
    const [head, get] = [await shop.api('HEAD', path, { expect: 200 }), await shop.api('GET', path)];
    assert.equal(head.text, '');
    assert.equal(head.headers['content-type'], get.headers['content-type']);
    assert.equal(head.headers['content-length'], get.headers['content-length']);
  }
});

test('openapi.json is the description that it was built with', async () => {
  const { json } = await shop.api('GET', '/openapi.json', { expect: 200, check: false });
  assert.match(json.openapi, /^3\.1/);
  if (openapi) assert.deepEqual(json, openapi);
});

// ---- figures

// Parses the text format of Prometheus, strictly: a Map of name -> {type, samples: [{labels, value}]}.
function parseMetrics(text) {
  const families = new Map();
  const seen = new Set();
  assert.ok(text.endsWith('\n'));
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name, rest] = comment;
      if (!families.has(name)) families.set(name, { samples: [] });
      const family = families.get(name);
      assert.equal(family[kind], undefined, `${kind} of ${name} stands once`);
      assert.equal(family.samples.length, 0, `${kind} of ${name} stands before its samples`);
      family[kind] = rest;
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (\S+)( \d+)?$/.exec(line);
    assert.ok(sample, `not a line of the format: ${line}`);
    const [, name, labels = '', value] = sample;
    assert.ok(!Number.isNaN(Number(value.replace('+Inf', 'Infinity'))), line);
    assert.ok(!seen.has(`${name}{${labels}}`), `twice: ${line}`);
    seen.add(`${name}{${labels}}`);
    const base = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(families.get(base)?.TYPE, `${name} has no TYPE`);
    families.get(base).samples.push({ name, labels, value: Number(value.replace('+Inf', 'Infinity')) });
  }
  for (const [name, { TYPE }] of families) {
    assert.match(TYPE, /^(counter|gauge|histogram|summary)$/, name);
    if (TYPE === 'counter') assert.match(name, /_total$/, name);
  }
  return families;
}

const total = (families, name) => families.get(name).samples.reduce((sum, { value }) => sum + value, 0);

test('metrics are in the format of Prometheus, and counters count', async () => {
  const read = async () => {
    const answer = await shop.api('GET', '/metrics', { expect: 200 });
    assert.match(answer.headers['content-type'], /^text\/plain; ?version=0\.0\.4/);
    return parseMetrics(answer.text);
  };
  const before = await read();
  const counter = [...before.keys()].find((name) => /http.*requests_total$/.test(name));
  assert.ok(counter, [...before.keys()].join());
  for (let i = 0; i < 7; i++) await shop.api('GET', '/products', { expect: 200 });
  const behind = await read();
  assert.ok(total(behind, counter) >= total(before, counter) + 7);
  for (const [name, { TYPE, samples }] of before) {
    if (TYPE !== 'counter') continue;
    for (const { labels, value } of samples) {
      const now = behind.get(name).samples.find((sample) => sample.labels === labels);
      assert.ok(now.value >= value, `${name}{${labels}} falls`);
    }
  }
});

test('buckets of histograms are cumulative and end with all', async () => {
  const { text } = await shop.api('GET', '/metrics', { expect: 200 });
  const histograms = [...parseMetrics(text)].filter(([, { TYPE }]) => TYPE === 'histogram');
  assert.ok(histograms.length > 0);
  for (const [name, { samples }] of histograms) {
    const series = Map.groupBy ? Map.groupBy(samples, key) : groupBy(samples, key);
    for (const group of series.values()) {
      const buckets = group.filter((sample) => sample.name === `${name}_bucket`).map(({ value }) => value);
      assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b), name);
      assert.equal(buckets.at(-1), group.find((sample) => sample.name === `${name}_count`).value);
    }
  }
  function key({ labels }) {
    return labels.replace(/,?le="[^"]*"/, '').replace(/^,/, '');
  }
  function groupBy(items, of) {
    const groups = new Map();
    for (const item of items) groups.set(of(item), [...(groups.get(of(item)) ?? []), item]);
    return groups;
  }
});

// ---- problems

test('every problem that there is has a page that explains it', async () => {
  assert.ok(problems.length > 30);
  for (const { slug, title } of problems) {
    const page = await shop.api('GET', `/problems/${slug}`, { expect: 200 });
    assert.match(page.headers['content-type'], /^text\/html/);
    const said = page.text.replace(/&#39;|&apos;/g, "'").replace(/&quot;/g, '"').replace(/&amp;/g, '&');
    assert.ok(said.includes(title), slug);
  }
  await shop.api('GET', '/problems/nothing-of-ours', { expect: 404 });
});

test('a problem says its type, title, status and request', async () => {
  const answer = await shop.api('GET', '/nowhere', { headers: { 'x-request-id': 'find-me-1' }, expect: 404 });
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.equal(answer.json.type, '/problems/not-found');
  assert.equal(answer.json.status, 404);
  assert.equal(answer.json.title, problems.find(({ slug }) => slug === 'not-found').title);
  assert.ok(answer.json.instance.includes('find-me-1'));
});

// ---- headers

test('a request id is taken if it is sane, else made; the answer carries it', async () => {
  const id = async (sent) => (await shop.api('GET', '/healthz',
    { headers: sent === undefined ? {} : { 'x-request-id': sent } })).headers['x-request-id'];
  assert.equal(await id('abc-123_X.y'), 'abc-123_X.y');
  const made = await id();
  assert.match(made, /^[\w-]{8,}$/);
  assert.notEqual(await id(), made);
  for (const insane of ['x'.repeat(1000), 'with space', '<script>', '"quoted"', 'a\tb']) {
    assert.match(await id(insane), /^[\w-]{8,64}$/, insane);
  }
});

test('answers carry the headers that keep browsers safe', async () => {
  for (const path of ['/healthz', '/products', '/nowhere', '/problems/not-found']) {
    const { headers } = await shop.api('GET', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.ok(headers['content-security-policy'], path);
    assert.match(headers['content-security-policy'], /default-src 'none'/, path);
    assert.match(headers['content-security-policy'], /frame-ancestors 'none'/, path);
    assert.ok(headers['referrer-policy'], path);
  }
});

test('what is personal is not cached', async () => {
  const buyer = await shop.customer();
  const { headers } = await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
  assert.match(headers['cache-control'] ?? '', /no-store|private|no-cache/);
  const login = await shop.api('POST', '/users/login',
    { body: { email: buyer.email, password: buyer.password }, expect: 200 });
  assert.match(login.headers['cache-control'] ?? '', /no-store/);
});

test('an origin that is allowed may call, any other may not', async () => {
  const preflight = (origin) => shop.api('OPTIONS', '/orders', {
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, idempotency-key',
    },
    check: false,
  });
  const allowed = await preflight(ORIGIN);
  assert.ok([200, 204].includes(allowed.status));
  assert.equal(allowed.headers['access-control-allow-origin'], ORIGIN);
  assert.match(allowed.headers['access-control-allow-methods'], /POST/);
  for (const name of ['authorization', 'content-type', 'idempotency-key']) {
    assert.match(allowed.headers['access-control-allow-headers'].toLowerCase(), new RegExp(name));
  }
  assert.match(allowed.headers.vary ?? '', /origin/i);

  const refused = await preflight('https://evil.example');
  assert.equal(refused.headers['access-control-allow-origin'], undefined);

  const simple = await shop.api('GET', '/products', { headers: { origin: ORIGIN }, expect: 200 });
  assert.equal(simple.headers['access-control-allow-origin'], ORIGIN);
  assert.match(simple.headers.vary ?? '', /origin/i);
  assert.match(simple.headers['access-control-expose-headers'].toLowerCase(), /etag/);
  const problem = await shop.api('GET', '/users', { headers: { origin: ORIGIN }, expect: 401 });
  assert.equal(problem.headers['access-control-allow-origin'], ORIGIN);
  const other = await shop.api('GET', '/products', { headers: { origin: 'https://evil.example' }, expect: 200 });
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  // A cache must not give one of these answers to another origin: they all say what they depend on.
  const without = await shop.api('GET', '/products', { expect: 200 });
  for (const { headers } of [refused, other, without, problem]) assert.match(headers.vary ?? '', /origin/i);
});

// ---- the log

test('the log is one JSON object a line; each request is in it', async () => {
  await shop.api('GET', '/products?limit=1', { headers: { 'x-request-id': 'in-the-log' }, expect: 200 });
  const line = await waitFor(() => shop.logLines().find(({ requestId, event }) =>
    requestId === 'in-the-log' && /access|request/.test(event)), 'the access log has the request');
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(line.text === undefined && line.body === undefined);
  assert.match(JSON.stringify(line), /\/products/);
  assert.match(JSON.stringify(line), /200/);
  for (const text of shop.log().split('\n').slice(0, -1)) {
    if (/^==\d+==WARNING: ASan doesn't fully support makecontext/.test(text)) continue; // not ours
    assert.doesNotThrow(() => JSON.parse(text), text);
  }
});

test('the trace of a request is carried on to the log and to events', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const email = `${shop.unique('traced')}@buyers.example`;
  await shop.api('POST', '/users/register', {
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` }, body: { email, password: PASSWORD }, expect: 201,
  });
  await waitFor(() => shop.logLines().some(({ traceparent, traceId }) =>
    (traceparent ?? traceId ?? '').includes(trace)), 'the log has the trace');
  const events = await runSouk(['events', '--data', shop.dataDir]);
  assert.equal(events.code, 0, events.stderr);
  const told = events.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line))
    .find(({ type, data }) => type === 'UserRegistered' && data.email === email);
  assert.ok(told.traceparent.includes(trace));
  assert.ok(!told.traceparent.includes('b7ad6b7169203331'), 'the span is the server\'s own');

  const insane = await shop.api('GET', '/healthz', { headers: { traceparent: 'nonsense' }, expect: 200 });
  assert.ok(insane);
});

test('no password, token or secret is in the log', async () => {
  const buyer = await shop.customer();
  const service = await shop.service();
  await shop.api('POST', '/auth/token',
    { form: { grant_type: 'password', username: buyer.email, password: PASSWORD }, expect: 200 });
  await shop.api('POST', '/users/login', { body: { email: buyer.email, password: 'the-wrong-Passphrase-1' }, expect: 401 });
  await shop.api('POST', '/auth/refresh', { body: { refreshToken: buyer.refreshToken }, expect: 200 });
  await shop.api('GET', `/users/${buyer.id}?access_token=${buyer.token}`, { expect: 401 });
  const log = shop.log();
  for (const [what, secret] of Object.entries({
    password: PASSWORD, admin: ADMIN_PASSWORD, wrong: 'the-wrong-Passphrase-1',
    token: buyer.token, refresh: buyer.refreshToken, service,
  })) assert.ok(!log.includes(secret), `${what} is in the log`);
});

// ---- limits

describe('with limits on', () => {
  let limited;

  before(async () => {
    limited = await startShop({ env: { SOUK_RATE_LIMITS: 'on' } });
  });

  test('after ten wrong passwords an account waits, though the right one comes; others do not', async () => {
    const [victim, other] = await Promise.all([limited.customer(), limited.customer()]);
    const login = (email, password) => limited.api('POST', '/users/login', { body: { email, password } });
    let tries = 0;
    let refused;
    while (!refused && tries < 30) {
      const answer = await login(victim.email, `wrong-Passphrase-${tries}`);
      if (answer.status === 429) refused = answer;
      else assert.equal(answer.status, 401, answer.text);
      tries += 1;
    }
    assert.equal(tries, 11);
    assert.equal(refused.json.type, '/problems/rate-limited');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.ok(refused.headers.ratelimit);
    assert.ok(refused.headers['ratelimit-policy']);
    assert.equal((await login(victim.email, victim.password)).status, 429);
    assert.equal((await login(other.email, other.password)).status, 200);
    await limited.api('GET', `/users/${victim.id}`, { token: victim.token, expect: 200 });
  });

  test('an unknown address is limited as a known one, so that it tells nothing', async () => {
    const email = 'nobody-at-all@buyers.example';
    const statuses = [];
    for (let i = 0; i < 11; i++) {
      statuses.push((await limited.api('POST', '/users/login', { body: { email, password: `wrong-Passphrase-${i}` } })).status);
    }
    assert.deepEqual(statuses, [...Array(10).fill(401), 429]);
  });

  test('a flood of events from one address is limited; the rest of the shop goes on', async () => {
    let refused;
    for (let i = 0; i < 100 && !refused; i++) {
      const answers = await inParallel(Array.from({ length: 100 }), 32, () =>
        limited.api('POST', '/analytics/event', { body: { type: 'page_view', sessionId: 's' } }));
      refused = answers.find(({ status }) => status === 429);
      assert.ok(answers.every(({ status }) => status === 202 || status === 429));
    }
    assert.ok(refused, 'it is limited at last');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    await limited.api('GET', '/products', { expect: 200 });
  });

  test('answers tell of the limit before it is reached', async () => {
    const { headers } = await limited.api('GET', '/products', { expect: 200 });
    assert.ok(headers.ratelimit, JSON.stringify(headers));
    assert.ok(headers['ratelimit-policy']);
  });
});

// ---- the command line

test('souk help config lists every setting, on the command line and in the environment', async () => {
  const table = readFileSync(join(ROOT, 'src/base/config.c'), 'utf8');
  const names = [...table.matchAll(/^\t(?:TEXT|INT|FLAG|CHOICE)\("([\w-]+)"/gm)].map(([, name]) => name);
  assert.ok(names.length > 20);
  const { code, stdout } = await runSouk(['help', 'config']);
  assert.equal(code, 0);
  for (const name of names) {
    assert.match(stdout, new RegExp(`--${name}\\b`));
    assert.match(stdout, new RegExp(`SOUK_${name.toUpperCase().replace(/-/g, '_')}\\b`));
  }
});

test('souk version tells the version', async () => {
  const { code, stdout } = await runSouk(['version']);
  assert.equal(code, 0);
  assert.match(stdout, /\d+\.\d+\.\d+/);
});

test('a setting that is wrong or unknown is refused by its name', async () => {
  for (const [args, env, name] of [
    [['serve', '--listen', 'nowhere'], {}, '--listen'],
    [['serve', '--workers=many'], {}, '--workers'],
    [['serve', '--wrokers', '2'], {}, '--wrokers'],
    [['serve'], { SOUK_ORDER_WAIT_MS: '-1' }, 'SOUK_ORDER_WAIT_MS'],
    [['serve'], { SOUK_RATE_LIMITS: 'perhaps' }, 'SOUK_RATE_LIMITS'],
    [['serve', '--services', 'order,bakery'], {}, 'bakery'],
  ]) {
    const { code, stderr } = await runSouk([...args, '--data', join(shop.dataDir, 'never')], { env });
    assert.ok(code > 0, args.join(' '));
    assert.ok(stderr.includes(name), `${args.join(' ')}: ${stderr}`);
  }
});

test('signing keys are rotated without logging anybody out', async () => {
  const buyer = await shop.customer();
  const keyIds = async () => (await shop.get('/.well-known/jwks.json')).keys.map(({ kid }) => kid);
  const before = await keyIds();
  const { code, stderr } = await runSouk(['keys', 'rotate', '--data', shop.dataDir]);
  assert.equal(code, 0, stderr);
  await waitFor(async () => (await keyIds()).some((kid) => !before.includes(kid)), 'the new key is published');
  await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
  const { accessToken } = await shop.login(buyer.email, buyer.password);
  await shop.api('GET', `/users/${buyer.id}`, { token: accessToken, expect: 200 });
  const behind = await keyIds();
  assert.ok(before.every((kid) => behind.includes(kid)), 'the old keys are still known');
  await shop.restart();
  for (const token of [buyer.token, accessToken]) {
    await shop.api('GET', `/users/${buyer.id}`, { token, expect: 200 });
  }
});
