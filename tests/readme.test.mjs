// The README's commands do what it says. Each ```sh block behind a line `<!-- tested -->` is run, in
// order and in one shell, against a demo shop of its own; SOUK_URL is its address. A block of another
// kind (```json, ```text) that follows such a block is what the commands must print, where `...`
// stands for anything. The block behind `<!-- tested: own shop -->` runs in a folder of its own, from
// the build to the shop that it opens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ROOT, runSouk, startShop, waitFor } from './lib/shop.mjs';

const BOUND_MS = 60_000;
const END = '--- end of block ---';

// The tested blocks: [{line, commands, output}]; output is null where nothing is said of it.
function blocksOf(markdown) {
  const pattern = /^<!-- tested -->\n+```sh\n([^]*?)^```\n(?:\n*```(?:json|text)\n([^]*?)^```\n)?/gm;
  return [...markdown.matchAll(pattern)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    commands: match[1],
    output: match[2] ?? null,
  }));
}

// What was printed as a pattern of what the README shows: white space counts as one space, `...` as
// anything.
function shows(output) {
  const text = output.trim().split('...').map((part) => part.trim().split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s*')).join('[^]*?');
  return new RegExp(`^\\s*${text}\\s*$`);
}

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = blocksOf(README);
let dataDir, shell;

before(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'souk-readme-'));
  const imported = await runSouk(['import', 'products', join(ROOT, 'demo/products.csv'), '--data', dataDir]);
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  const demo = readFileSync(join(ROOT, 'scripts/run-demo'), 'utf8');
  const [, password] = /^demo_password=(.+)$/m.exec(demo);
  const [, email] = /SOUK_ADMIN_EMAIL:-([^}]+)\}/.exec(demo);
  const shop = await startShop({
    dataDir, env: { SOUK_ADMIN_EMAIL: email, SOUK_ADMIN_PASSWORD: password, SOUK_RATE_LIMITS: 'on' },
  });
  shell = spawn('bash', ['--norc', '-e', '-o', 'pipefail'],
    { cwd: dataDir, env: { PATH: process.env.PATH, HOME: dataDir, SOUK_URL: shop.url, SOUK_DATA: dataDir } });
});

after(() => {
  shell?.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

// A port that nobody listens on now.
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// Runs the commands in the shell, which goes on with the next block: what they printed.
function run(commands) {
  return new Promise((done, fail) => {
    let out = '';
    let err = '';
    const onOut = (chunk) => {
      out += chunk;
      const end = out.indexOf(`${END}\n`);
      if (end >= 0) finish(() => done(out.slice(0, end)));
    };
    const onErr = (chunk) => { err += chunk; };
    const onClose = (code) => finish(() => fail(new Error(`the shell ends with ${code}\n${out}\n${err}`)));
    const timer = setTimeout(() => finish(() => fail(new Error(`no end\n${out}\n${err}`))), BOUND_MS);
    const finish = (then) => {
      clearTimeout(timer);
      shell.stdout.off('data', onOut);
      shell.stderr.off('data', onErr);
      shell.off('close', onClose);
      then();
    };
    shell.stdout.on('data', onOut);
    shell.stderr.on('data', onErr);
    shell.on('close', onClose);
    shell.stdin.write(`${commands}\necho '${END}'\n`);
  });
}

test('the README has a purchase to run', () => {
  assert.ok(blocks.length >= 2, `${blocks.length} blocks`);
  assert.ok(blocks.some(({ commands }) => commands.includes('/orders')));
  assert.ok(blocks.some(({ output }) => output !== null));
});

for (const { line, commands, output } of blocks) {
  test(`README.md, line ${line}`, async () => {
    const printed = await run(commands);
    assert.doesNotMatch(printed, /"type":"\/problems\//);
    if (output !== null) assert.match(printed, shows(output), `the README shows:\n${output}\nit prints:\n${printed}`);
  });
}

// The very first command of the README, in this checkout: packages (there already), build, demo shop.
test('make run opens a shop with demo data', { timeout: 900_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'souk-make-run-'));
  const port = await freePort();
  const make = spawn('make', ['run'], {
    cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SOUK_LISTEN: `127.0.0.1:${port}`, SOUK_DATA: join(dir, 'data') },
  });
  const ended = new Promise((done) => { make.once('close', done); });
  try {
    let out = '';
    await new Promise((done, fail) => {
      const onChunk = (chunk) => {
        out += chunk;
        if (out.includes('Souk is open at')) done();
      };
      make.stdout.on('data', onChunk);
      make.stderr.on('data', onChunk);
      ended.then(() => fail(new Error(`make run ends\n${out}`)));
    });
    const answer = await fetch(`http://127.0.0.1:${port}/products?q=tea&limit=1`);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).items.length, 1);
  } finally {
    process.kill(-make.pid, 'SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  }
});

// Its last command opens the shop, for good; `make` is of this checkout, and the port is a free one.
test('the commands of a shop of one\'s own open one', { timeout: 900_000 }, async () => {
  const password = 'rain on the tin roof';
  const [, commands] = /^<!-- tested: own shop -->\n+```sh\n([^]*?)^```\n/m.exec(README);
  const [, email] = /admin add (\S+)/.exec(commands);
  const dir = mkdtempSync(join(tmpdir(), 'souk-own-shop-'));
  const port = await freePort();
  copyFileSync(join(ROOT, 'demo/products.csv'), join(dir, 'export.csv'));
  symlinkSync(join(ROOT, 'build'), join(dir, 'build'));
  const own = spawn('bash', ['--norc', '-e', '-c',
    `make() { command make -C '${ROOT}' "$@" </dev/null; }\n${commands.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)}`],
  { cwd: dir, detached: true, env: { PATH: process.env.PATH, HOME: dir } });
  let said = '';
  own.stdout.on('data', (chunk) => { said += chunk; });
  own.stderr.on('data', (chunk) => { said += chunk; });
  own.stdin.end(`${password}\n`);
  const ended = new Promise((done) => { own.once('close', done); });
  try {
    await Promise.race([
      waitFor(() => said.includes('server.ready'), 'the shop is open', 800_000),
      ended.then((code) => assert.fail(`the commands end with ${code}\n${said}`)),
    ]);
    const answer = await fetch(`http://127.0.0.1:${port}/users/login`,
      { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }) });
    assert.deepEqual((await answer.json()).user?.roles, ['admin'], said);
    assert.equal((await runSouk(['audit', '--data', join(dir, 'shop-again')])).code, 0);
  } finally {
    if (own.exitCode === null) process.kill(-own.pid, 'SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  }
});

test('the settings, targets and files that the README names are there', async () => {
  const { stdout } = await runSouk(['help', 'config']);
  for (const [name] of README.matchAll(/\bSOUK_[A-Z_]+\b/g)) {
    if (name !== 'SOUK_URL') assert.ok(stdout.includes(name), `${name} is a setting`);
  }
  const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
  for (const [, target] of README.matchAll(/\bmake ([a-z][\w-]*)\b/g)) {
    assert.match(makefile, new RegExp(`^${target}:`, 'm'), `make ${target}`);
  }
  for (const [, path] of README.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
    assert.ok(existsSync(join(ROOT, path)), path);
  }
});
