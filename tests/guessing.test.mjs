// Guessing passwords is slow, and nobody locks somebody else out.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { ADMIN_EMAIL, ADMIN_PASSWORD, startShop } from './lib/shop.mjs';

const TRIES = 3; // from one address, for one account
const WIDE = 10 * TRIES;
const HOME = '203.0.113.7';

let shop;
let next = 0;
const stranger = () => `198.51.100.${next++ % 250}`;

before(async () => {
  shop = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on', SOUK_LOGIN_ATTEMPTS: String(TRIES) },
  });
});

const from = (address) => (address ? { 'x-forwarded-for': address } : {});

// The ways in: each answers {status, deviceToken}.
const ways = {
  'POST /users/login': async ({ email, password, address, deviceToken }) => {
    const { status, json } = await shop.api('POST', '/users/login',
      { body: { email, password, deviceToken }, headers: from(address) });
    return { status, deviceToken: json.deviceToken };
  },
  'the password grant': async ({ email, password, address, deviceToken }) => {
    const { status, json } = await shop.api('POST', '/auth/token', {
      form: { grant_type: 'password', username: email, password, device_token: deviceToken ?? 'new' },
      headers: from(address),
    });
    return { status: json.error === 'invalid_grant' ? 401 : status, deviceToken: json.device_token };
  },
};

// A customer who registered, and logged in, at home.
async function owner() {
  const account = { email: `${shop.unique('owner')}@buyers.example`, password: 'a-perfectly-fine-Passphrase-9' };
  const { json } = await shop.api('POST', '/users/register', { body: account, headers: from(HOME), expect: 201 });
  return { ...account, id: json.id };
}

for (const [name, logIn] of Object.entries(ways)) {
  describe(name, () => {
    const guess = async (account, address, times, expected = 401) => {
      for (let i = 0; i < times; i++) {
        assert.equal((await logIn({ ...account, password: `wrong-Passphrase-${i}`, address })).status, expected);
      }
    };

    test('a stranger who guesses waits, and locks out nobody else', async () => {
      const account = await owner();
      const address = stranger();
      await guess(account, address, TRIES);
      await guess(account, address, 1, 429);
      assert.equal((await logIn({ ...account, address })).status, 429, 'though the right one comes');
      assert.equal((await logIn({ ...account, address: HOME })).status, 200);
      assert.equal((await logIn({ ...account, address: stranger() })).status, 200, 'from anywhere');
      assert.equal((await logIn({ email: ADMIN_EMAIL, password: ADMIN_PASSWORD, address })).status, 200);
    });

    test('the admin cannot be locked out', async () => {
      const admin = { email: ADMIN_EMAIL, password: ADMIN_PASSWORD };
      await guess(admin, stranger(), TRIES);
      assert.equal((await logIn({ ...admin, address: stranger() })).status, 200);
    });

    test('an account under attack from many addresses lets in whom it knows', async () => {
      const account = await owner();
      const travelling = stranger();
      const { status, deviceToken } = await logIn({ ...account, address: travelling });
      assert.equal(status, 200);
      for (let i = 0; i < WIDE; i++) await guess(account, `192.0.2.${i}`, 1);
      await guess(account, '192.0.2.254', 1, 429);
      assert.equal((await logIn({ ...account, address: '192.0.2.253' })).status, 429, 'strangers wait');
      assert.equal((await logIn({ ...account, address: HOME })).status, 200, 'where it was registered');
      assert.equal((await logIn({ ...account, address: travelling })).status, 200, 'where it logged in');
      assert.equal((await logIn({ ...account, address: '192.0.2.252', deviceToken })).status, 200, 'on its device');
      assert.equal((await logIn({ ...account, address: `203.0.${next++ % 100}.9` })).status, 200, 'far from them');
      const other = await owner();
      const theirs = await logIn({ ...other, address: HOME });
      assert.equal((await logIn({ ...account, address: '192.0.2.251', deviceToken: theirs.deviceToken })).status, 429);
      assert.equal((await logIn({ ...other, address: '192.0.2.252' })).status, 200, 'others do not wait');
    });

    test('behind one address with who guesses, the device tells the owner apart', async () => {
      const account = await owner();
      const { deviceToken } = await logIn({ ...account, address: HOME });
      await guess(account, HOME, TRIES);
      assert.equal((await logIn({ ...account, address: HOME })).status, 429);
      const again = await logIn({ ...account, address: HOME, deviceToken });
      assert.deepEqual([again.status, again.deviceToken], [200, deviceToken], 'and keeps its token');
      // A token is no way to guess more.
      for (let i = 0; i < TRIES; i++) {
        assert.equal((await logIn({ ...account, password: 'wrong-Passphrase', address: stranger(), deviceToken })).status, 401);
      }
      assert.equal((await logIn({ ...account, address: stranger(), deviceToken })).status, 429);
    });

    test('addresses of one IPv6 network are one', async () => {
      const account = await owner();
      const network = `2001:db8:${(next++).toString(16)}:1`;
      for (let i = 1; i <= TRIES; i++) await guess(account, `${network}::${i}`, 1);
      await guess(account, `${network}:ffff::1`, 1, 429);
      assert.equal((await logIn({ ...account, address: network.replace(/1$/, '2::1') })).status, 200);
    });

    test('one address does not try one password on many accounts', async () => {
      const address = stranger();
      for (let i = 0; i < WIDE; i++) await guess({ email: `nobody-${next++}@buyers.example` }, address, 1);
      await guess({ email: 'nobody@buyers.example' }, address, 1, 429);
      const account = await owner();
      assert.equal((await logIn({ ...account, address })).status, 429);
      assert.equal((await logIn({ ...account, address: HOME })).status, 200);
    });

    test('an account that is not there answers as one that is', async () => {
      const nobody = { email: `${shop.unique('nobody')}@buyers.example` };
      const address = stranger();
      await guess(nobody, address, TRIES);
      await guess(nobody, address, 1, 429);
      for (let i = TRIES; i < WIDE; i++) await guess(nobody, `192.0.2.${i}`, 1);
      await guess(nobody, '192.0.2.254', 1, 429);
    });
  });
}

test('known places and devices are known after a restart, and devices not after a new password', async () => {
  const account = await owner();
  const logIn = ways['POST /users/login'];
  const { deviceToken } = await logIn({ ...account, address: HOME });
  await shop.restart();
  const attack = async () => {
    for (let i = 0; i < WIDE; i++) await logIn({ ...account, password: 'wrong-Passphrase', address: `192.0.2.${i}` });
  };
  await attack();
  assert.equal((await logIn({ ...account, address: HOME })).status, 200);
  assert.equal((await logIn({ ...account, address: '192.0.2.254', deviceToken })).status, 200);
  const { accessToken: token } = (await shop.api('POST', '/users/login',
    { body: { email: account.email, password: account.password }, headers: from(HOME), expect: 200 })).json;
  const password = 'another-fine-Passphrase-9';
  await shop.api('PUT', `/users/${account.id}`,
    { token, body: { password, currentPassword: account.password }, expect: 200 });
  assert.equal((await logIn({ ...account, password, address: '192.0.2.253', deviceToken })).status, 429);
});

test('currentPassword cannot be guessed with a stolen token, nor used up by who has none', async () => {
  const account = await owner();
  const { json } = await shop.api('POST', '/users/login',
    { body: { email: account.email, password: account.password }, headers: from(HOME), expect: 200 });
  const change = async (currentPassword, address) => (await shop.api('PUT', `/users/${account.id}`, {
    token: json.accessToken, headers: from(address),
    body: { password: 'another-fine-Passphrase-9', currentPassword },
  })).status;
  // Whoever shares the owner's address uses up log-ins from there, not changes.
  for (let i = 0; i <= TRIES; i++) {
    await ways['POST /users/login']({ ...account, password: 'wrong-Passphrase', address: HOME });
  }
  const thief = stranger();
  for (let i = 0; i < TRIES; i++) assert.ok([401, 422].includes(await change('wrong-Passphrase', thief)));
  assert.equal(await change('wrong-Passphrase', thief), 429);
  assert.equal(await change(account.password, thief), 429);
  assert.equal(await change(account.password, HOME), 200);
});

test('an admin who never logged in gets in while many places guess', async () => {
  const other = await startShop({
    env: { SOUK_RATE_LIMITS: 'on', SOUK_TRUST_PROXY: 'on', SOUK_LOGIN_ATTEMPTS: String(TRIES) },
  });
  const logIn = async (password, address) => (await other.api('POST', '/users/login',
    { body: { email: ADMIN_EMAIL, password }, headers: from(address) })).status;
  for (let i = 0; i < WIDE; i++) assert.equal(await logIn('wrong-Passphrase', `10.1.${i}.1`), 401);
  for (let i = 0; i < 3; i++) assert.equal(await logIn('wrong-Passphrase', `10.2.0.${i}`), 401, 'a few more');
  assert.equal(await logIn(ADMIN_PASSWORD, '10.2.0.99'), 429, 'who has many addresses in a row');
  assert.equal(await logIn(ADMIN_PASSWORD, '10.3.0.1'), 200);
});
