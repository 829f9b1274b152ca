// The User service: registering, logging in, accounts, ranks, suspension.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import {
  ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, inParallel, runSouk, startShop, waitFor,
} from './lib/shop.mjs';

const OTHER_PASSWORD = 'an-entirely-new-Passphrase-3';
const NOBODY = '00000000-0000-7000-8000-000000000000';

let shop, admin;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
});

const register = (body, options = {}) => shop.api('POST', '/users/register', { body, ...options });
const login = (email, password) => shop.api('POST', '/users/login', { body: { email, password } });
const put = (id, token, body, expect, headers) =>
  shop.api('PUT', `/users/${id}`, { token, body, expect, headers });
const fresh = () => `${shop.unique('user')}@buyers.example`;
const problem = (answer, status, slug) => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.type, `/problems/${slug}`, answer.text);
};
const pointers = (answer) => {
  problem(answer, 422, 'validation-failed');
  return answer.json.errors.map(({ pointer, parameter }) => pointer ?? `?${parameter}`).sort();
};

// ---- registering

describe('POST /users/register', () => {
  test('makes an account that is shown without its password', async () => {
    const email = fresh();
    const answer = await register({ email, password: PASSWORD, name: 'Ada', mobile: '+4915112345678' }, { expect: 201 });
    const { id, createdAt, updatedAt, ...rest } = answer.json;
    assert.deepEqual(rest, {
      email, name: 'Ada', mobile: '+4915112345678', roles: ['customer'], status: 'active', emailVerified: false,
    });
    assert.equal(createdAt, updatedAt);
    assert.equal(answer.headers.location, `/users/${id}`);
    assert.match(answer.headers.etag, /^"/);
    assert.ok(!answer.text.includes(PASSWORD));
    assert.deepEqual(await shop.get(`/users/${id}`, admin), answer.json);
  });

  test('takes what is optional as absent or null, and the role vendor', async () => {
    const { json } = await register({ email: fresh(), password: PASSWORD, name: null, mobile: null, role: 'vendor' }, { expect: 201 });
    assert.deepEqual(json.roles, ['vendor']);
    assert.ok(!('name' in json) && !('mobile' in json));
    await register({ email: fresh(), password: PASSWORD }, { expect: 201 });
  });

  test('an address is taken in any case', async () => {
    const email = fresh();
    await register({ email, password: PASSWORD }, { expect: 201 });
    problem(await register({ email, password: PASSWORD }), 409, 'email-taken');
    problem(await register({ email: email.toUpperCase(), password: OTHER_PASSWORD }), 409, 'email-taken');
  });

  test('of many who want one address at once one gets it', async () => {
    const email = fresh();
    const answers = await inParallel(Array.from({ length: 12 }), 12, (_, i) =>
      register({ email: i % 2 ? email : email.toUpperCase(), password: PASSWORD }));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(11).fill(409)]);
  });

  test('names every fault', async () => {
    assert.deepEqual(pointers(await register({})), ['/email', '/password']);
    assert.deepEqual(
      pointers(await register({ email: 'nobody', password: 'short', name: '', mobile: '0151', role: 'admin', zz: 1 })),
      ['/email', '/mobile', '/name', '/password', '/role', '/zz']);
    for (const [member, bad] of [
      ['email', ['', '@', 'a@', 'a b@c.example', `${'a'.repeat(250)}@b.example`, 'a@b@c', 'acme@vendors.invalid', 'acme@VENDORS.INVALID', 7, null]],
      ['password', ['1234567', 'x'.repeat(129), 'password', '12345678', 'qwertyuiop', 'Password123', 'aaaaaaaaaa', null, 12345678]],
      ['name', ['   ', 'x'.repeat(256), 'a\nb', 7]],
      ['mobile', ['+0151123456', '4915112345678', '+49 151 123', '+1234567890123456', '']],
      ['role', ['admin', 'service', 'king', '', null, ['customer']]],
    ]) {
      for (const value of bad) {
        const answer = await register({ email: fresh(), password: PASSWORD, [member]: value });
        assert.deepEqual(pointers(answer), [`/${member}`], JSON.stringify(value));
      }
    }
  });

  test('takes passwords of any characters, from 8 to 128 of them', async () => {
    for (const password of ['pässwörter', `${'x1'.repeat(31)}🔑🗝`, '漢字かな交じり文です', 'tab\tand "quotes"', 'long-Passphrase-'.repeat(8)]) {
      const email = fresh();
      await register({ email, password }, { expect: 201 });
      assert.equal((await login(email, password)).status, 200, password);
      assert.equal((await login(email, [...password].slice(1).join(''))).status, 401, password);
    }
  });

  test('is carried out once for one idempotency key', async () => {
    const body = { email: fresh(), password: PASSWORD };
    const first = await register(body, { key: shop.unique('key'), expect: 201 });
    const key = shop.unique('key');
    const again = { email: fresh(), password: PASSWORD };
    const one = await register(again, { key, expect: 201 });
    const two = await register(again, { key, expect: 201 });
    assert.deepEqual(two.json, one.json);
    assert.equal(two.headers['idempotency-replayed'], 'true');
    assert.equal(two.headers.location, one.headers.location);
    problem(await register({ ...again, name: 'Other' }, { key }), 422, 'idempotency-key-reused');
    assert.notEqual(first.json.id, one.json.id);
  });
});

// ---- logging in

describe('POST /users/login', () => {
  test('gives tokens and the user, in any case of the address', async () => {
    const email = fresh();
    const { json: user } = await register({ email, password: PASSWORD }, { expect: 201 });
    const answer = await login(email.toUpperCase(), PASSWORD);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.user, user);
    assert.equal(answer.json.tokenType, 'Bearer');
    assert.equal(answer.json.expiresIn, 900);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(await shop.get(`/users/${user.id}`, answer.json.accessToken), user);
  });

  test('answers a wrong password and an unknown address alike, in like time', async () => {
    const emails = { wrong: (await shop.customer()).email, unknown: 'nobody-at-all@buyers.example' };
    const answers = {};
    // In turns, and the quickest of each: what else the machine does weighs on both alike.
    const quickest = { wrong: Infinity, unknown: Infinity };
    for (let i = 0; i < 12; i++) {
      for (const [which, email] of Object.entries(emails)) {
        const start = performance.now();
        answers[which] = await login(email, 'a-wrong-Passphrase-1');
        quickest[which] = Math.min(quickest[which], performance.now() - start);
        problem(answers[which], 401, 'invalid-credentials');
      }
    }
    const bare = ({ json: { instance, ...rest } }) => rest;
    assert.deepEqual(bare(answers.unknown), bare(answers.wrong));
    const ratio = quickest.unknown / quickest.wrong;
    assert.ok(ratio > 0.4 && ratio < 2.5, JSON.stringify(quickest));
  });

  test('an old access token that is sent along does not hinder it', async () => {
    const buyer = await shop.customer();
    await shop.api('POST', '/users/login', {
      body: { email: buyer.email, password: buyer.password }, token: 'abc.def.ghi', expect: 200,
    });
  });

  test('names every fault', async () => {
    assert.deepEqual(pointers(await shop.api('POST', '/users/login', { body: { zz: 1 } })), ['/email', '/password', '/zz']);
  });

  test('many log in at once', async () => {
    const buyer = await shop.customer();
    const answers = await inParallel(Array.from({ length: 40 }), 40, () => login(buyer.email, buyer.password));
    assert.ok(answers.every(({ status }) => status === 200), answers.map(({ status }) => status).join());
    assert.equal(new Set(answers.map(({ json }) => json.refreshToken)).size, 40);
  });
});

test('a flood of log-ins is bounded: what cannot wait is told so, and the rest of the shop goes on', async () => {
  const small = await startShop({ env: { SOUK_PASSWORD_PARALLEL: '1', SOUK_PASSWORD_QUEUE: '2' } });
  const buyer = await small.customer();
  const answers = await inParallel(Array.from({ length: 30 }), 30, () =>
    small.api('POST', '/users/login', { body: { email: buyer.email, password: buyer.password } }));
  const statuses = answers.map(({ status }) => status);
  assert.ok(statuses.includes(200));
  assert.ok(statuses.includes(503), statuses.join());
  assert.ok(statuses.every((status) => status === 200 || status === 503), statuses.join());
  for (const { status, headers } of answers) if (status === 503) assert.ok(Number(headers['retry-after']) > 0);
  await small.get(`/users/${buyer.id}`, buyer.token);
});

describe('the bound on failed attempts', () => {
  let limited;
  before(async () => {
    limited = await startShop({ env: { SOUK_RATE_LIMITS: 'on' } });
  });

  test('holds for log-in and token endpoint together, for currentPassword by itself, and tells how long to wait', async () => {
    const buyer = await limited.customer();
    const wrong = 'a-wrong-Passphrase-1';
    for (let i = 0; i < 5; i++) {
      await limited.api('POST', '/users/login', { body: { email: buyer.email, password: wrong }, expect: 401 });
      await limited.api('POST', '/auth/token', { form: { grant_type: 'password', username: buyer.email, password: wrong }, expect: 400 });
    }
    for (let i = 0; i < 10; i++) {
      await limited.api('PUT', `/users/${buyer.id}`,
        { token: buyer.token, body: { password: OTHER_PASSWORD, currentPassword: wrong }, expect: 422 });
    }
    const refused = [
      await limited.api('POST', '/users/login', { body: { email: buyer.email, password: buyer.password }, expect: 429 }),
      await limited.api('POST', '/auth/token',
        { form: { grant_type: 'password', username: buyer.email, password: buyer.password }, expect: 429 }),
      await limited.api('PUT', `/users/${buyer.id}`,
        { token: buyer.token, body: { password: OTHER_PASSWORD, currentPassword: buyer.password }, expect: 429 }),
    ];
    for (const { headers } of refused) {
      assert.ok(Number(headers['retry-after']) > 800 && Number(headers['retry-after']) <= 900, headers['retry-after']);
    }
    await limited.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
  });

  test('is not reached by who knows the password', async () => {
    const buyer = await limited.customer();
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 8; j++) {
        await limited.api('POST', '/users/login', { body: { email: buyer.email, password: 'a-wrong-Passphrase-1' }, expect: 401 });
      }
      await limited.login(buyer.email, buyer.password);
    }
  });

  test('holds for an address that tries many accounts', async () => {
    let tries = 0;
    let status;
    do {
      ({ status } = await limited.api('POST', '/users/login',
        { body: { email: `nobody-${tries}@buyers.example`, password: 'a-wrong-Passphrase-1' } }));
      tries += 1;
    } while (status === 401 && tries < 150);
    assert.equal(status, 429);
    assert.ok(tries > 50 && tries <= 101, `${tries}`);
  });
});

// ---- accounts

describe('PUT /users/:id', () => {
  test('changes what is given, and leaves the rest', async () => {
    const buyer = await shop.customer();
    const { json: named } = await put(buyer.id, buyer.token, { name: 'Ada L.', mobile: '+4915112345678' }, 200);
    assert.equal(named.name, 'Ada L.');
    assert.equal(named.mobile, '+4915112345678');
    assert.ok(named.updatedAt >= buyer.user.updatedAt);
    const { json: without } = await put(buyer.id, buyer.token, { mobile: null }, 200);
    assert.equal(without.name, 'Ada L.');
    assert.ok(!('mobile' in without));
  });

  test('a new address needs the password, and counts as not verified', async () => {
    const buyer = await shop.customer();
    const email = fresh();
    assert.deepEqual(pointers(await put(buyer.id, buyer.token, { email })), ['/currentPassword']);
    assert.deepEqual(pointers(await put(buyer.id, buyer.token, { email, currentPassword: 'a-wrong-Passphrase-1' })), ['/currentPassword']);
    const { json } = await put(buyer.id, buyer.token, { email, currentPassword: buyer.password }, 200);
    assert.equal(json.email, email);
    assert.equal((await login(buyer.email, buyer.password)).status, 401);
    assert.equal((await login(email, buyer.password)).status, 200);
    const other = await shop.customer();
    problem(await put(other.id, other.token, { email: email.toUpperCase(), currentPassword: other.password }), 409, 'email-taken');
    assert.deepEqual(pointers(await put(other.id, other.token, { email: 'x@vendors.invalid', currentPassword: other.password })), ['/email']);
  });

  test('a new password needs the old one, and ends every session but no access token', async () => {
    const buyer = await shop.customer();
    const { refreshToken } = await shop.login(buyer.email, buyer.password);
    assert.deepEqual(pointers(await put(buyer.id, buyer.token, { password: OTHER_PASSWORD })), ['/currentPassword']);
    assert.deepEqual(pointers(await put(buyer.id, buyer.token, { password: OTHER_PASSWORD, currentPassword: OTHER_PASSWORD })), ['/currentPassword']);
    assert.deepEqual(pointers(await put(buyer.id, buyer.token, { password: 'password', currentPassword: buyer.password })), ['/password']);
    await put(buyer.id, buyer.token, { password: OTHER_PASSWORD, currentPassword: buyer.password }, 200);
    for (const token of [refreshToken, buyer.refreshToken]) {
      await shop.api('POST', '/auth/refresh', { body: { refreshToken: token }, expect: 401 });
    }
    await shop.get(`/users/${buyer.id}`, buyer.token);
    assert.equal((await login(buyer.email, buyer.password)).status, 401);
    const again = await login(buyer.email, OTHER_PASSWORD);
    await shop.api('POST', '/auth/refresh', { body: { refreshToken: again.json.refreshToken }, expect: 200 });
  });

  test('an admin changes anybody, without their passwords; its own needs its own', async () => {
    const buyer = await shop.customer();
    const email = fresh();
    await put(buyer.id, admin, { email, password: OTHER_PASSWORD, name: 'Renamed' }, 200);
    assert.equal((await login(email, OTHER_PASSWORD)).status, 200);
    const me = (await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD)).user;
    assert.deepEqual(pointers(await put(me.id, admin, { password: OTHER_PASSWORD })), ['/currentPassword']);
  });

  test('ranks are an admin\'s to set; given as they are they are no fault', async () => {
    const buyer = await shop.customer();
    for (const body of [{ roles: ['admin'] }, { roles: ['customer', 'vendor'] }, { status: 'suspended' }]) {
      problem(await put(buyer.id, buyer.token, body), 403, 'forbidden');
    }
    await put(buyer.id, buyer.token, { roles: ['customer'], status: 'active', name: 'Same' }, 200);
    assert.deepEqual(pointers(await put(buyer.id, admin, { roles: [] })), ['/roles']);
    assert.deepEqual(pointers(await put(buyer.id, admin, { roles: ['service'] })), ['/roles/0']);
    assert.deepEqual(pointers(await put(buyer.id, admin, { status: 'gone' })), ['/status']);
    assert.deepEqual((await put(buyer.id, admin, { roles: ['vendor', 'customer'] }, 200)).json.roles, ['customer', 'vendor']);
  });

  test('a role that is taken away is gone at once, one that is given comes with the next token', async () => {
    const vendor = await shop.vendor();
    await put(vendor.id, admin, { roles: ['vendor', 'admin'] }, 200);
    await shop.api('GET', '/users', { token: vendor.token, expect: 403 });
    const { json: promoted } = await shop.api('POST', '/auth/refresh', { body: { refreshToken: vendor.refreshToken }, expect: 200 });
    assert.deepEqual(promoted.user.roles, ['vendor', 'admin']);
    await shop.api('GET', '/users', { token: promoted.accessToken, expect: 200 });

    await put(vendor.id, admin, { roles: ['vendor'] }, 200);
    await shop.api('GET', '/users', { token: promoted.accessToken, expect: 401 });
    await shop.api('GET', `/users/${vendor.id}`, { token: vendor.token, expect: 401 });
    const { json: demoted } = await shop.api('POST', '/auth/refresh', { body: { refreshToken: promoted.refreshToken }, expect: 200 });
    await shop.api('GET', '/users', { token: demoted.accessToken, expect: 403 });
    await shop.get(`/users/${vendor.id}`, demoted.accessToken);
  });

  test('two changes of one version: one is refused', async () => {
    const buyer = await shop.customer();
    const { headers: { etag } } = await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
    const answers = await inParallel(['One', 'Two', 'Three'], 3, (name) =>
      put(buyer.id, buyer.token, { name }, undefined, { 'if-match': etag }));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412]);
  });

  test('who is nobody, or somebody else, finds nothing', async () => {
    const [buyer, other] = await Promise.all([shop.customer(), shop.customer()]);
    problem(await put(buyer.id, other.token, { name: 'Mine' }), 404, 'not-found');
    problem(await put(NOBODY, admin, { name: 'Nobody' }), 404, 'not-found');
    problem(await put('x', admin, { name: 'Nobody' }), 404, 'not-found');
    problem(await put(buyer.id, undefined, { name: 'Mine' }), 401, 'unauthenticated');
    problem(await shop.api('GET', `/users/${NOBODY}`, { token: admin }), 404, 'not-found');
  });
});

// ---- suspension

describe('a suspended user', () => {
  test('has no token and gets none, until it is active again', async () => {
    const buyer = await shop.customer();
    const second = await shop.login(buyer.email, buyer.password);
    const { json } = await put(buyer.id, admin, { status: 'suspended' }, 200);
    assert.equal(json.status, 'suspended');
    for (const token of [buyer.token, second.accessToken]) {
      await shop.api('GET', `/users/${buyer.id}`, { token, expect: 401 });
    }
    for (const refreshToken of [buyer.refreshToken, second.refreshToken]) {
      await shop.api('POST', '/auth/refresh', { body: { refreshToken }, expect: 401 });
    }
    problem(await login(buyer.email, buyer.password), 403, 'forbidden');
    problem(await login(buyer.email, 'a-wrong-Passphrase-1'), 401, 'invalid-credentials');
    const grant = await shop.api('POST', '/auth/token',
      { form: { grant_type: 'password', username: buyer.email, password: buyer.password }, expect: 400 });
    assert.equal(grant.json.error, 'invalid_grant');

    await put(buyer.id, admin, { status: 'active' }, 200);
    // What was dead stays dead.
    await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 401 });
    const again = await shop.login(buyer.email, buyer.password);
    await shop.get(`/users/${buyer.id}`, again.accessToken);
  });

  test('stays so over a restart', async () => {
    const buyer = await shop.customer();
    await put(buyer.id, admin, { status: 'suspended' }, 200);
    await shop.restart();
    await shop.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 401 });
    problem(await login(buyer.email, buyer.password), 403, 'forbidden');
  });

  test('is in the state that was asked for last, however many ask', async () => {
    const buyer = await shop.customer();
    for (let i = 0; i < 5; i++) {
      await inParallel(['suspended', 'active', 'suspended', 'active'], 4, (status) => put(buyer.id, admin, { status }, 200));
      const { status } = await shop.get(`/users/${buyer.id}`, admin);
      const answer = await login(buyer.email, buyer.password);
      assert.equal(answer.status, status === 'active' ? 200 : 403);
      if (status === 'active') await shop.get(`/users/${buyer.id}`, answer.json.accessToken);
    }
  });

  test('while it logs in and is suspended at once, no token lives on', async () => {
    for (let i = 0; i < 5; i++) {
      const buyer = await shop.customer();
      const [answers] = await Promise.all([
        inParallel(Array.from({ length: 6 }), 6, () => login(buyer.email, buyer.password)),
        put(buyer.id, admin, { status: 'suspended' }, 200),
      ]);
      for (const { status, json } of answers) {
        assert.ok([200, 401, 403].includes(status));
        if (status !== 200) continue;
        await shop.api('GET', `/users/${buyer.id}`, { token: json.accessToken, expect: 401 });
        await shop.api('POST', '/auth/refresh', { body: { refreshToken: json.refreshToken }, expect: 401 });
      }
    }
  });
});

test('the last active admin can be neither suspended nor demoted', async () => {
  const own = await startShop();
  const token = await own.admin();
  const me = (await own.login(ADMIN_EMAIL, ADMIN_PASSWORD)).user;
  const change = (id, body) => own.api('PUT', `/users/${id}`, { token, body });
  problem(await change(me.id, { status: 'suspended' }), 409, 'conflict');
  problem(await change(me.id, { roles: ['customer'] }), 409, 'conflict');
  const second = await own.customer();
  await own.api('PUT', `/users/${second.id}`, { token, body: { roles: ['admin'] }, expect: 200 });
  const promoted = (await own.login(second.email, second.password)).accessToken;
  // Each of the two suspends the other: one of them stays.
  const answers = await Promise.all([
    change(second.id, { status: 'suspended' }),
    own.api('PUT', `/users/${me.id}`, { token: promoted, body: { status: 'suspended' } }),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.ok(statuses[0] === 200 && [401, 409].includes(statuses[1]), statuses.join());
});

// ---- lists, the first admin, brands

describe('GET /users', () => {
  test('is filtered by address, role and status', async () => {
    const buyer = await shop.customer();
    const vendor = await shop.vendor();
    await put(vendor.id, admin, { status: 'suspended' }, 200);
    const ids = async (query) => (await shop.all(`/users?${query}`, admin)).map(({ id }) => id);
    assert.deepEqual(await ids(`email=${encodeURIComponent(buyer.email.toUpperCase())}`), [buyer.id]);
    assert.deepEqual(await ids('email=nobody@x.example'), []);
    assert.ok((await ids('role=vendor')).includes(vendor.id));
    assert.ok(!(await ids('role=vendor')).includes(buyer.id));
    assert.ok((await ids('status=suspended&role=vendor')).includes(vendor.id));
    assert.ok(!(await ids('status=active')).includes(vendor.id));
    assert.equal((await ids('role=admin')).length, 1);
  });

  test('gives the newest first, each once', async () => {
    for (let i = 0; i < 3; i++) await register({ email: fresh(), password: PASSWORD }, { expect: 201 });
    const users = await shop.all('/users', admin, 2);
    const times = users.map(({ createdAt }) => createdAt);
    assert.deepEqual(times, [...times].sort().reverse());
    assert.equal(new Set(users.map(({ id }) => id)).size, users.length);
  });

  test('names every fault', async () => {
    assert.deepEqual(
      pointers(await shop.api('GET', '/users?role=king&status=odd&limit=0&cursor=zz&email=', { token: admin })),
      ['?cursor', '?email', '?limit', '?role', '?status']);
  });
});

test('the first admin is made once, and by its password it is known again', async () => {
  const own = await startShop();
  const first = (await own.login(ADMIN_EMAIL, ADMIN_PASSWORD)).user;
  assert.deepEqual(first.roles, ['admin']);
  assert.equal(first.emailVerified, true);
  await own.restart({ env: { SOUK_ADMIN_PASSWORD: OTHER_PASSWORD } });
  assert.equal((await own.login(ADMIN_EMAIL, ADMIN_PASSWORD)).user.id, first.id);
  await own.api('POST', '/users/login', { body: { email: ADMIN_EMAIL, password: OTHER_PASSWORD }, expect: 401 });
});

test('registering is told, with what others need to know', async () => {
  const buyer = await shop.customer();
  const told = await waitFor(async () => {
    const { stdout } = await runSouk(['events', '--data', shop.dataDir]);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line))
      .find(({ type, subject }) => type === 'UserRegistered' && subject === buyer.id);
  }, 'the event is there');
  assert.equal(told.source, '/services/user');
  assert.deepEqual(told.data, { userId: buyer.id, email: buyer.email, name: buyer.user.name, roles: ['customer'] });
});
