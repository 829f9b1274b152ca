// The command line for who keeps a shop: help, slips of the pen, and administrators.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { ADMIN_EMAIL, ADMIN_PASSWORD, ROOT, runSouk, startShop } from './lib/shop.mjs';

const OWN = 'rain on the tin roof';
const folder = mkdtempSync(join(tmpdir(), 'souk-command-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const newPlace = () => join(folder, `data-${++count}`);
const fileOf = (text) => {
  const path = join(folder, `file-${++count}`);
  writeFileSync(path, text);
  return path;
};
const withoutAdmin = { SOUK_ADMIN_EMAIL: undefined, SOUK_ADMIN_PASSWORD: undefined };
const onTerminal = (args, answers) => runSouk(args,
  { wrapper: ['/usr/bin/python3', join(ROOT, 'tests/lib/terminal.py')], input: answers.map((answer) => `${answer}\n`).join('') });
const told = (shop) => shop.logLines().filter(({ event }) => event === 'user.admin');

// ---- help

const COMMANDS = ['serve', 'import', 'admin', 'audit', 'backup', 'restore', 'keys', 'events', 'routes', 'version', 'help'];

test('every command has its own help, by --help, by -h and by souk help', async () => {
  const overview = (await runSouk(['help'])).stdout;
  const seen = new Set([overview]);
  const named = [...overview.matchAll(/^  souk ([a-z]+)/gm)].map(([, command]) => command);
  assert.deepEqual([...new Set(named)].sort(), [...COMMANDS].sort());
  for (const command of COMMANDS) {
    assert.match(overview, new RegExp(`^  souk ${command}\\b`, 'm'));
    const { code, stdout, stderr } = await runSouk(['help', command]);
    assert.deepEqual([code, stderr], [0, ''], command);
    assert.match(stdout, new RegExp(`^usage: souk ${command}\\b`));
    for (const args of [[command, '--help'], [command, '-h'], [command, '--lisen', '--help']]) {
      assert.equal((await runSouk(args)).stdout, stdout, args.join(' '));
    }
    assert.ok(!seen.has(stdout), `${command} has a help of its own`);
    seen.add(stdout);
  }
  for (const args of [[], ['--help'], ['-h']]) assert.deepEqual(await runSouk(args), { code: 0, stdout: overview, stderr: '' });
});

test('options of commands are in their help', async () => {
  for (const [command, ...options] of [['import', '--report', '--currency'], ['audit', '--json', '--timings'], ['admin', '--password-file']]) {
    const { stdout } = await runSouk([command, '--help']);
    for (const option of options) assert.ok(stdout.includes(option), `${command} ${option}`);
  }
});

// ---- slips

test('what does not exist is refused, with what was perhaps meant', async () => {
  const data = newPlace();
  for (const [args, env, meant] of [
    [['sreve'], {}, 'souk serve'], [['imprt', 'products', 'x'], {}, 'souk import'], [['help', 'adit'], {}, 'souk audit'],
    [['serve', '--lisen', '127.0.0.1:0'], {}, '--listen'], [['serve', '--rate_limits=off'], {}, '--rate-limits'],
    [['audit', '--jsno'], {}, '--json'], [['import', 'products', 'x.csv', '--reprot', 'y'], {}, '--report'],
    [['admin', 'add', 'a@b.example', '--password-fiel', 'x'], {}, '--password-file'],
    [['serve'], { SOUK_LISTN: '127.0.0.1:0' }, 'SOUK_LISTEN'], [['audit'], { SOUK_DATTA: 'x' }, 'SOUK_DATA'],
    [['keys', 'rotate'], { SOUK_RATE_LIMIT: 'off' }, 'SOUK_RATE_LIMITS'], [['serve'], { SOUK_ADMIN_MAIL: 'a@b.example' }, 'SOUK_ADMIN_EMAIL'],
  ]) {
    const { code, stdout, stderr } = await runSouk([...args, ...args[0] === 'sreve' || args[0] === 'help' ? [] : ['--data', data]], { env });
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`[Dd]id you mean ${meant}\\?`), args.join(' '));
  }
  for (const [args, env, name] of [
    [['sell-everything'], {}, 'sell-everything'], [['help', 'me'], {}, '"me"'], [['serve', '--bakery', '1'], {}, '--bakery'],
    [['serve'], { SOUK_BAKERY: '1' }, 'SOUK_BAKERY'], [['serve'], { SOUK_PORT: '8080' }, 'SOUK_PORT'], [['serve'], { SOUK_ISSUER: 'http://x' }, 'SOUK_ISSUER'],
    [['version', 'please'], {}, 'please'], [['routes', 'all'], {}, 'all'], [['events', 'all'], {}, 'all'],
  ]) {
    const { code, stderr } = await runSouk(args, { env });
    assert.equal(code, 2, args.join(' '));
    assert.ok(stderr.includes(name), stderr);
    assert.doesNotMatch(stderr, /did you mean/i);
  }
});

test('an origin that no browser would send is refused, and not kept for nothing', async () => {
  for (const origins of ['https://shop.example/', 'shop.example', 'https://Shop.example', 'https://a.example,*', 'https://a.example;https://b.example']) {
    const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', newPlace()], { env: { SOUK_CORS_ORIGINS: origins } });
    assert.equal(code, 2, origins);
    assert.match(stderr, /SOUK_CORS_ORIGINS must be \* alone, or origins and commas/);
  }
});

test('what a container engine says of a service by this name is no setting, and no mistake', async () => {
  const env = { SOUK_PORT: 'tcp://10.0.0.7:8080', SOUK_PORT_8080_TCP_ADDR: '10.0.0.7', SOUK_SERVICE_HOST: '10.0.0.7', SOUK_SERVICE_PORT: '8080' };
  assert.equal((await runSouk(['audit', '--data', newPlace()], { env })).stderr.includes('SOUK_'), false);
});

// ---- the first administrator

describe('the first administrator', () => {
  test('has no weak password, as nobody has who registers', async () => {
    for (const password of ['password1', 'PASSWORD1', '12345678', 'short', 'x'.repeat(129)]) {
      const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', newPlace()],
        { env: { SOUK_ADMIN_EMAIL: ADMIN_EMAIL, SOUK_ADMIN_PASSWORD: password } });
      assert.equal(code, 2, password);
      assert.match(stderr, /SOUK_ADMIN_PASSWORD must be 8 to 128 characters, and none that everybody tries first/);
      assert.ok(!stderr.includes(password));
    }
  });

  test('where there is none, the log says how to make one', async () => {
    const shop = await startShop({ env: withoutAdmin });
    const [line, ...more] = told(shop);
    assert.deepEqual(more, []);
    assert.ok(line.message.includes(`souk admin add EMAIL --data ${shop.dataDir}`), line.message);
    // An address without a password makes none.
    await shop.restart({ env: { SOUK_ADMIN_EMAIL: ADMIN_EMAIL } });
    assert.match(told(shop).at(-2).message, /both/);
    assert.match(told(shop).at(-1).message, /souk admin add/);
    // Nor does the address of a customer, whom nobody makes an admin unasked.
    const customer = await shop.register({ email: ADMIN_EMAIL });
    await shop.restart({ env: { SOUK_ADMIN_PASSWORD: ADMIN_PASSWORD } });
    assert.match(told(shop).at(-2).message, new RegExp(`${ADMIN_EMAIL} is the address of an account that is no administrator`));
    assert.deepEqual((await shop.login(ADMIN_EMAIL, customer.password)).user.roles, ['customer']);
  });

  test('is made once: later changes are said to do nothing, in one line', async () => {
    const shop = await startShop();
    assert.match(told(shop)[0].message, /was made/);
    assert.equal(told(shop).length, 1);
    await shop.restart({ env: { SOUK_ADMIN_PASSWORD: OWN } });
    assert.equal(told(shop).length, 2);
    assert.match(told(shop)[1].message, /change nothing now/);
    await shop.api('POST', '/users/login', { body: { email: ADMIN_EMAIL, password: OWN }, expect: 401 });
    await shop.restart({ env: { SOUK_ADMIN_EMAIL: 'second@shop.example' } });
    assert.equal(told(shop).length, 3);
    assert.match(told(shop)[2].message, /souk admin add second@shop\.example/);
    await shop.api('POST', '/users/login', { body: { email: 'second@shop.example', password: OWN }, expect: 401 });
    assert.equal((await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD)).user.roles[0], 'admin');
  });
});

// ---- souk admin

describe('souk admin', () => {
  const add = (email, data, { input, file } = {}) => runSouk(
    ['admin', 'add', email, '--data', data, ...file ? ['--password-file', file] : []], { input });
  const list = async (data) => (await runSouk(['admin', 'list', '--data', data])).stdout.trim().split('\n').filter(Boolean).sort();

  test('makes an administrator of a shop that is closed, and of one that is open', async () => {
    const data = newPlace();
    const closed = await add('first@shop.example', data, { input: `${OWN}\n` });
    assert.deepEqual([closed.code, closed.stdout], [0, 'first@shop.example is an administrator; the account was made.\n'], closed.stderr);
    const shop = await startShop({ dataDir: data, env: withoutAdmin });
    assert.deepEqual(told(shop), []);
    assert.deepEqual((await shop.login('first@shop.example', OWN)).user.roles, ['admin']);
    const open = await add('second@shop.example', data, { file: fileOf(`${OWN}\r\nand more`) });
    assert.equal(open.code, 0, open.stderr);
    const { user, accessToken } = await shop.login('second@shop.example', OWN);
    assert.equal(user.emailVerified, true);
    await shop.api('GET', '/users', { token: accessToken, expect: 200 });
    assert.deepEqual(await list(data), ['first@shop.example active', 'second@shop.example active']);
    await shop.stop();
    assert.deepEqual(await list(data), ['first@shop.example active', 'second@shop.example active']);
    assert.equal((await runSouk(['audit', '--data', data])).code, 0);
  });

  test('reads the password as it is meant: without the mark that editors put before it, and whole or not at all', async () => {
    const data = newPlace();
    assert.equal((await add('mark@shop.example', data, { file: fileOf(`\ufeff${OWN}\n`) })).code, 0);
    const cut = await add('cut@shop.example', data, { file: fileOf(`${OWN}\0 and more\n`) });
    assert.equal(cut.code, 1);
    assert.match(cut.stderr, /holds no password/);
    const shop = await startShop({ dataDir: data, env: withoutAdmin });
    assert.deepEqual((await shop.login('mark@shop.example', OWN)).user.roles, ['admin']);
    assert.deepEqual(await list(data), ['mark@shop.example active']);
  });

  test('makes one of an account, which keeps its password and what it is; and asks for none', async () => {
    const shop = await startShop();
    const buyer = await shop.customer();
    const { code, stdout } = await add(buyer.email.toUpperCase(), shop.dataDir);
    assert.equal(code, 0);
    assert.match(stdout, /with the password that the account has/);
    const { user, accessToken } = await shop.login(buyer.email, buyer.password);
    assert.deepEqual(user.roles, ['customer', 'admin']);
    assert.equal(user.id, buyer.id);
    await shop.api('GET', '/users', { token: accessToken, expect: 200 });
    const again = await add(buyer.email, shop.dataDir, { input: `${OWN}\n` });
    assert.match(again.stdout, /already; nothing was changed/);
    await shop.api('POST', '/users/login', { body: { email: buyer.email, password: OWN }, expect: 401 });

    // Suspended by whom nobody knows any more: the keeper of the data lets it in again.
    const suspended = await shop.customer();
    await shop.api('PUT', `/users/${suspended.id}`, { token: await shop.admin(), body: { status: 'suspended' }, expect: 200 });
    assert.equal((await add(suspended.email, shop.dataDir)).code, 0);
    assert.deepEqual((await shop.login(suspended.email, suspended.password)).user.roles, ['customer', 'admin']);
    assert.ok(told(shop).some(({ message }) => message.includes(suspended.email)), 'the log has it');
  });

  test('is refused as registering is, and makes nothing', async () => {
    const data = newPlace();
    for (const [email, options, why] of [
      ['nobody', { input: `${OWN}\n` }, /email must be an e-mail address/], ['tea@vendors.invalid', { input: `${OWN}\n` }, /email must/],
      ['a@shop.example', { input: 'password1\n' }, /password must not be/], ['a@shop.example', { input: 'short\n' }, /password must/],
      ['a@shop.example', { input: '' }, /holds no password/], ['a@shop.example', { file: fileOf('') }, /holds no password/],
      ['a@shop.example', { file: join(folder, 'no-such-file') }, /no-such-file/], ['a@shop.example', { input: `${'x'.repeat(5000)}\n` }, /password/],
    ]) {
      const { code, stdout, stderr } = await add(email, data, options);
      assert.equal(code, 1, `${email} ${JSON.stringify(options)}`);
      assert.equal(stdout, '');
      assert.match(stderr, why);
    }
    assert.deepEqual(await list(data), []);
  });

  test('takes no password from its arguments, and says what it can', async () => {
    for (const args of [[], ['add'], ['add', 'a@b.example', OWN], ['list', 'all'], ['remove', 'a@b.example'], ['list', '--password-file', 'x']]) {
      const { code, stderr } = await runSouk(['admin', ...args, '--data', newPlace()]);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, /souk admin add EMAIL/);
    }
    const { code, stderr } = await runSouk(['admin', 'add', 'a@b.example', '--password-file']);
    assert.equal(code, 2);
    assert.match(stderr, /--password-file needs a value/);
  });

  test('asks on a terminal twice, and shows nothing of what is typed', async () => {
    const data = newPlace();
    const { code, stdout } = await onTerminal(['admin', 'add', 'typed@shop.example', '--data', data], [OWN, OWN]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Password: /);
    assert.ok(!stdout.includes(OWN), 'the password is shown');
    assert.deepEqual(await list(data), ['typed@shop.example active']);
    const differ = await onTerminal(['admin', 'add', 'other@shop.example', '--data', data], [OWN, `${OWN}!`]);
    assert.equal(differ.code, 1);
    assert.match(differ.stdout, /differ/);
    assert.deepEqual(await list(data), ['typed@shop.example active']);
  });

  test('is not to be reached over HTTP', async () => {
    const shop = await startShop();
    for (const token of [undefined, await shop.admin(), await shop.service()]) {
      const { status } = await shop.api('POST', '/users/admins', { token, body: { email: 'x@y.example', password: OWN }, check: false });
      assert.ok([404, 405].includes(status), `${status}`);
      assert.ok([401, 404].includes((await shop.api('GET', '/users/admins', { token, check: false })).status));
    }
  });
});
