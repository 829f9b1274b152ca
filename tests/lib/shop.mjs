// A shop to test: the real program, started on a port and a data directory of its own.
//
//   const shop = await startShop();                  // in before(), or at the top of a file
//   const buyer = await shop.customer();
//   const lamp = await shop.createProduct({ price: 1999, stock: 5 });
//   const order = await shop.buy({ buyer, items: [{ productId: lamp.id, quantity: 2 }] });
//   const answer = await shop.api('GET', `/orders/${order.id}`, { token: buyer.token, expect: 200 });
//
// Every shop is stopped, by its pid, behind the last test of the file, and must then exit with 0
// and without a word from a sanitizer. Every JSON answer that passes api() is validated against
// api/openapi.yaml (see openapi.mjs). Conditions are awaited (waitFor), never slept for.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkAnswer } from './openapi.mjs';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const SOUK = resolve(ROOT, process.env.SOUK_BINARY ?? 'build/souk');

export const ADMIN_EMAIL = 'admin@shop.example';
export const ADMIN_PASSWORD = 'the-admins-own-Passphrase-7';
export const PASSWORD = 'a-perfectly-fine-Passphrase-9';
export const ADDRESS = {
  name: 'Leyla Aydin', line1: 'Gartenstr. 5', city: 'Berlin', postalCode: '10115', country: 'DE',
};

// Bounds for what must happen; generous, as sanitized binaries on a busy machine are slow.
export const WAIT_MS = 60_000;
const READY_MS = 120_000;
const STOP_MS = 120_000;
const POLL_MS = 20;

const SANITIZER = /ERROR: \w*Sanitizer|runtime error:|LeakSanitizer/;

const shops = new Set(); // all that were started and not ended on purpose

// Polls `fn` until it returns something truthy, and returns that; errors that it throws count as
// not yet. `what` says in words what is awaited.
export async function waitFor(fn, what, timeout = WAIT_MS) {
  const deadline = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const got = await fn();
      if (got) return got;
      last = undefined;
    } catch (error) {
      if (error.code === 'ERR_UNDOCUMENTED') throw error;
      last = error;
    }
    if (Date.now() > deadline) {
      throw new assert.AssertionError({
        message: `waited ${timeout} ms in vain: ${what}${last ? ` (${last.message})` : ''}`,
      });
    }
    await sleep(POLL_MS);
  }
}

// Runs `fn(item, index)` over the items, at most `width` at once; their results in order.
export async function inParallel(items, width, fn) {
  const results = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await fn(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}

// Runs the program to its end, with no environment of ours but the sanitizers': a command of the
// command line. {code, stdout, stderr}; code is null where a signal ended it.
// input: what it reads. wrapper: a command and its first arguments, that runs the program.
export function runSouk(args, { env = {}, cwd = ROOT, timeout = STOP_MS, input, wrapper = [] } = {}) {
  return new Promise((done, fail) => {
    const [command, ...first] = [...wrapper, SOUK];
    const child = spawn(command, [...first, ...args],
      { cwd, env: environment(env), stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    child.stdin?.on('error', () => {}); // it need not read
    child.stdin?.end(input);
    const chunks = { stdout: [], stderr: [] };
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => chunks[name].push(chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('error', fail);
    child.on('close', (code) => {
      clearTimeout(timer);
      const stdout = Buffer.concat(chunks.stdout).toString();
      const stderr = Buffer.concat(chunks.stderr).toString();
      if (SANITIZER.test(stderr)) fail(new Error(`souk ${args.join(' ')}:\n${sanitizerPart(stderr)}`));
      else done({ code, stdout, stderr });
    });
  });
}

// Where the system's SOUK_ variables could leak in, the tests' own ones are all there are.
function environment(env) {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SOUK_')));
  return {
    ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    ...own,
    ...env,
  };
}

function sanitizerPart(log) {
  const at = log.search(SANITIZER);
  return log.slice(Math.max(0, at - 200), at + 6000);
}

// env: settings (SOUK_...) beside or instead of the usual ones; undefined takes one away.
// dataDir: one that exists, and stays; without it a new one is made, and removed unless keepData.
// listen: the address and port; port 0 takes a free one.
// wrapper: a command and its first arguments, that runs the program in its own place.
// stderr: a descriptor that its standard error is, instead of what log() gives; nobody need read it.
export async function startShop({
  env = {}, dataDir, keepData = false, wrapper = [], stderr = 'pipe', listen = '127.0.0.1:0',
} = {}) {
  const shop = new Shop({ env, dataDir, keepData, wrapper, stderr, listen });
  await shop.start();
  return shop;
}

class Shop {
  constructor({ env, dataDir, keepData, wrapper, stderr, listen }) {
    this.stderr = stderr;
    this.listen = listen;
    this.command = [...wrapper, SOUK];
    this.removeData = !dataDir && !keepData;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'souk-test-'));
    this.env = {
      SOUK_ADMIN_EMAIL: ADMIN_EMAIL,
      SOUK_ADMIN_PASSWORD: ADMIN_PASSWORD,
      SOUK_RATE_LIMITS: 'off',
      SOUK_REVIEW_ACCOUNT_MINUTES: '0', // those who review in tests have just registered
      ...env,
    };
    for (const [name, value] of Object.entries(this.env)) {
      if (value === undefined) delete this.env[name];
    }
    this.child = null;
    this.chunks = [];
    this.tokens = {};
    this.counter = 0;
  }

  // ---- the program

  async start() {
    assert.ok(!this.child, 'the shop runs already');
    const [command, ...first] = this.command;
    const child = spawn(command, [...first, 'serve', '--listen', this.listen, '--data', this.dataDir],
      { cwd: ROOT, env: environment(this.env), stdio: ['ignore', 'ignore', this.stderr] });
    this.child = child;
    this.pid = child.pid;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 512, timeout: 20_000 });
    shops.add(this);

    // `exited` is kept apart from the log: it settles when stderr is at its end, too.
    const begin = this.chunks.length;
    let partial = '';
    const ready = !child.stderr || this.env.SOUK_LOG ? this.announced() : new Promise((found) => {
      child.stderr.setEncoding('utf8');
      child.stderr.on('data', (chunk) => {
        this.chunks.push(chunk);
        const lines = (partial + chunk).split('\n');
        partial = lines.pop();
        for (const line of lines) {
          if (!line.includes('"server.ready"')) continue;
          const url = /https?:\/\/[\w.:[\]-]+:\d+/.exec(JSON.parse(line).message)?.[0];
          if (url) found(url);
        }
      });
    });
    this.exited = new Promise((done) => {
      child.on('error', (error) => done({ code: null, signal: null, error }));
      child.on('close', (code, signal) => done({ code, signal }));
    });

    const outcome = await bounded(Promise.race([ready, this.exited]), READY_MS);
    if (typeof outcome === 'string') {
      this.url = outcome;
      return this;
    }
    child.kill('SIGKILL');
    this.child = null;
    shops.delete(this);
    const said = this.chunks.slice(begin).join('');
    throw new Error(`the shop does not start (${outcome ? JSON.stringify(outcome) : 'in time'}): ` +
      `${outcome?.error ?? ''}\n${said.slice(-4000)}`);
  }

  // Its address, from the data directory: for a shop whose log is written elsewhere.
  announced() {
    return waitFor(() => {
      const { pid, address } = JSON.parse(readFileSync(join(this.dataDir, 'souk.lock'), 'utf8'));
      return pid === this.pid && address;
    }, 'the shop says where it listens', READY_MS).catch(() => undefined);
  }

  // Everything that was written to standard error since the shop was made, over restarts.
  log() {
    return this.chunks.join('');
  }

  // The same as objects; lines that are not JSON are left out.
  logLines() {
    return this.log().split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line)] : [];
      } catch {
        return [];
      }
    });
  }

  // Asks the program to stop, and waits for it: its exit code.
  async sigterm() {
    const { code } = await this.end('SIGTERM');
    return code;
  }

  async sigkill() {
    await this.end('SIGKILL');
  }

  async end(signal) {
    assert.ok(this.child, 'the shop does not run');
    const child = this.child;
    if (child.exitCode !== null || child.signalCode !== null) return this.stop();
    child.kill(signal);
    const outcome = await bounded(this.exited, STOP_MS);
    if (!outcome) {
      child.kill('SIGKILL');
      await this.exited;
    }
    this.child = null;
    shops.delete(this);
    this.agent.destroy();
    assert.ok(outcome, `the shop does not stop in ${STOP_MS} ms:\n${this.log().slice(-4000)}`);
    assert.doesNotMatch(this.log(), SANITIZER, sanitizerPart(this.log()));
    return outcome;
  }

  // Starts it again on the same data; stops it first where it runs. `url` and `pid` are new.
  async restart({ env = {} } = {}) {
    if (this.child) {
      assert.equal(await this.sigterm(), 0, `exit code\n${this.log().slice(-4000)}`);
    }
    Object.assign(this.env, env);
    return this.start();
  }

  // Ends it for good, and demands a clean end. Called behind the tests for every shop left.
  async stop() {
    try {
      if (!this.child) return;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { code, signal } = await this.exited;
        this.child = null;
        shops.delete(this);
        assert.fail(`the shop has ended by itself (${code ?? signal}):\n${this.log().slice(-8000)}`);
      }
      assert.equal(await this.sigterm(), 0, `exit code\n${this.log().slice(-4000)}`);
    } finally {
      if (this.removeData) rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  // ---- requests

  // body: a value, sent as JSON. raw: text or bytes, sent as they are. form: an object, sent as a
  // form. expect: the status, or a list of them, that is demanded. key: the Idempotency-Key.
  // Answers with {status, headers, json, text}; json is undefined where the body is none.
  async api(method, path, { body, raw, form, token, key, headers = {}, expect, check = true } = {}) {
    const all = {};
    let payload = raw;
    if (form) {
      payload = new URLSearchParams(form).toString();
      all['content-type'] = 'application/x-www-form-urlencoded';
    } else if (body !== undefined) {
      payload = JSON.stringify(body);
      all['content-type'] = 'application/json';
    } else if (raw !== undefined) {
      all['content-type'] = 'application/json';
    }
    if (token) all.authorization = `Bearer ${token}`;
    if (key) all['idempotency-key'] = key;
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) delete all[name.toLowerCase()];
      else all[name.toLowerCase()] = value;
    }
    const answer = await send(this.agent, this.url, method, path, all, payload)
      .catch((error) => { throw this.explained(error); });
    if (check) checkAnswer(method, path, answer);
    if (expect !== undefined) {
      const wanted = [expect].flat();
      assert.ok(wanted.includes(answer.status), `${method} ${path} answers ${answer.status}, ` +
        `not ${wanted.join(' or ')}: ${answer.text.slice(0, 2000)}`);
    }
    return answer;
  }

  // Why a connection broke is for whoever reads the failure: the program may be gone.
  explained(error) {
    const { exitCode = null, signalCode = null } = this.child ?? {};
    if (exitCode !== null || signalCode !== null) {
      error.message += `; the shop has ended by itself (${exitCode ?? signalCode}):\n${this.log().slice(-8000)}`;
    }
    return error;
  }

  // The resource at the path, as JSON; anything but 200 is an error.
  async get(path, token) {
    return (await this.api('GET', path, { token, expect: 200 })).json;
  }

  // All items of a list, page by page.
  async all(path, token, limit = 100) {
    const items = [];
    let cursor = null;
    do {
      const at = new URL(path, 'http://shop');
      at.searchParams.set('limit', limit);
      if (cursor) at.searchParams.set('cursor', cursor);
      const page = await this.get(at.pathname + at.search, token);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  // ---- people

  unique(prefix) {
    this.counter += 1;
    return `${prefix}-${process.pid}-${this.counter}-${randomUUID().slice(0, 8)}`;
  }

  async login(email, password) {
    const answer = await this.api('POST', '/users/login', { body: { email, password }, expect: 200 });
    return answer.json;
  }

  // A new account: {user, id, email, password, token, refreshToken}.
  async register({ role = 'customer', email = `${this.unique(role)}@buyers.example`,
    password = PASSWORD, name = 'Leyla Aydin' } = {}) {
    const { json: user } = await this.api('POST', '/users/register',
      { body: { email, password, name, role }, expect: 201 });
    const { accessToken, refreshToken } = await this.login(email, password);
    return { user, id: user.id, email, password, token: accessToken, refreshToken };
  }

  customer() {
    return this.register({ role: 'customer' });
  }

  // One that an admin has approved, as a shop's would.
  async vendor() {
    const vendor = await this.register({ role: 'vendor' });
    await this.approve(vendor);
    return vendor;
  }

  async approve({ id }) {
    await this.api('PUT', `/users/${id}`, { token: await this.admin(), body: { status: 'active' }, expect: 200 });
  }

  // The first admin's token.
  admin() {
    this.tokens.admin ??= this.login(this.env.SOUK_ADMIN_EMAIL, this.env.SOUK_ADMIN_PASSWORD)
      .then(({ accessToken }) => accessToken);
    return this.tokens.admin;
  }

  // A token with the role service, of a client made for it.
  service() {
    this.tokens.service ??= (async () => {
      const { json: client } = await this.api('POST', '/auth/clients',
        { token: await this.admin(), body: { name: this.unique('tests') }, expect: 201 });
      const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64');
      const { json } = await this.api('POST', '/auth/token', {
        form: { grant_type: 'client_credentials' },
        headers: { authorization: `Basic ${basic}` },
        expect: 200,
      });
      return json.access_token;
    })();
    return this.tokens.service;
  }

  // The vendor whose products are made where none is named.
  someVendor() {
    this.tokens.vendor ??= this.vendor();
    return this.tokens.vendor;
  }

  // ---- trade

  // An active product of `vendor` (as vendor() gives it), with `stock` of each of its variants on
  // hand, known to Inventory and to Product. price: minor units of euros, or money.
  async createProduct({ vendor, stock = 100, price = 1999, name = 'Brass lamp', ...rest } = {}) {
    const { token } = vendor ?? await this.someVendor();
    const { json: product } = await this.api('POST', '/products', {
      token,
      body: {
        name, category: 'home/lamps', status: 'active',
        price: typeof price === 'number' ? { amount: price, currency: 'EUR' } : price,
        ...rest,
      },
      expect: 201,
    });
    for (const { id } of product.variants) await this.setStock(id, stock, token);
    const available = stock * product.variants.length;
    return waitFor(async () => {
      const now = await this.get(`/products/${product.id}`, token);
      return now.stock.available === available && now;
    }, `the product knows of its ${available} units`);
  }

  // Sets what is on hand, once Inventory knows the product.
  async setStock(productId, onHand, token) {
    await waitFor(async () => (await this.api('GET', `/inventory/${productId}`)).status === 200,
      `Inventory knows ${productId}`);
    return (await this.api('PUT', `/inventory/${productId}`,
      { token, body: { onHand }, expect: 200 })).json;
  }

  // An order by `buyer` (as customer() gives it), placed and by default awaited until it is paid or
  // cancelled; the order. `expect` and further options go to api(). With `whole`, api()'s answer.
  async buy({ buyer, items, cartId, payment = 'tok_visa', address = ADDRESS, whole = false,
    settled = true, expect = 201, ...options }) {
    const answer = await this.api('POST', '/orders', {
      token: buyer.token,
      key: this.unique('order'),
      body: {
        ...(cartId ? { cartId } : { items }),
        shippingAddress: address,
        paymentMethod: payment,
      },
      expect,
      ...options,
    });
    if (whole || answer.status >= 300) return whole ? answer : answer.json;
    return settled ? this.settled(answer.json.id, buyer.token) : answer.json;
  }

  // The order, once it is neither pending nor reserved.
  settled(orderId, token) {
    return waitFor(async () => {
      const order = await this.get(`/orders/${orderId}`, token);
      return !['pending', 'reserved'].includes(order.status) && order;
    }, `order ${orderId} settles`);
  }

  waitFor(fn, what, timeout) {
    return waitFor(fn, what, timeout);
  }
}

// The promise's outcome, or undefined when the time is over.
async function bounded(promise, timeout) {
  let timer;
  const late = new Promise((done) => {
    timer = setTimeout(done, timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function send(agent, url, method, path, headers, payload) {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((done, fail) => {
    const request = http.request({ agent, host, port, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', fail);
      response.on('aborted', () => fail(new Error(`${method} ${path}: the answer broke off`)));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        const json = /^application\/(\w+[+.-])*json\b/.test(response.headers['content-type'] ?? '') &&
          text !== '' ? JSON.parse(text) : undefined;
        done({ status: response.statusCode, headers: response.headers, json, text, bytes });
      });
    });
    request.setTimeout(WAIT_MS * 2, () => request.destroy(new Error(`${method} ${path}: no answer`)));
    request.on('error', fail);
    if (payload !== undefined) {
      const bytes = Buffer.from(payload);
      if (!headers['content-length'] && !headers['transfer-encoding']) {
        request.setHeader('content-length', bytes.length);
      }
      request.end(bytes);
    } else {
      request.end();
    }
  });
}

after(async () => {
  const outcomes = await Promise.allSettled([...shops].map((shop) => shop.stop()));
  const bad = outcomes.find(({ status }) => status === 'rejected');
  if (bad) throw bad.reason;
});

// Whatever happens to this process, no shop outlives it.
process.on('exit', () => {
  for (const shop of shops) {
    try {
      process.kill(shop.pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
