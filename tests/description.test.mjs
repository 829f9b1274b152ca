// The API's description in the hands of others: linters have nothing to say of it, generated clients
// compile and buy something, and a tester that makes its requests from it finds no fault.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ROOT, SOUK, startShop } from './lib/shop.mjs';

const BUILD = resolve(dirname(SOUK));
const DESCRIPTION = join(BUILD, 'openapi.json');
const BIN = join(ROOT, 'tests/node_modules/.bin');
const PYTHON = join(BUILD, 'python');
const TOOL_MS = 300_000;

const folder = mkdtempSync(join(BUILD, 'clients-'));
after(() => rmSync(folder, { recursive: true, force: true }));

// Runs a tool to its end: {code, said}, of both its streams.
function run(command, args, { cwd = folder, env = {} } = {}) {
  return new Promise((done) => {
    execFile(command, args, { cwd, timeout: TOOL_MS, maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: '1', ...env } },
      (error, stdout, stderr) => done({ code: error ? error.code ?? error.signal : 0, said: stdout + stderr, stdout }));
  });
}

async function mustRun(command, args, options) {
  const { code, said, stdout } = await run(command, args, options);
  assert.equal(code, 0, `${command} ${args.join(' ')}\n${said.slice(-6000)}`);
  return { said, stdout };
}

// ---- linters

describe('a linter has nothing to say', () => {
  test('spectral, by its rules for OpenAPI', async () => {
    const { stdout } = await mustRun(join(BIN, 'spectral'),
      ['lint', '--ruleset', join(ROOT, 'api/spectral.yaml'), '--fail-severity', 'hint', '--format', 'json', '--quiet', DESCRIPTION]);
    assert.deepEqual(JSON.parse(stdout || '[]'), []);
  });

  test('redocly, by the rules that it recommends', async () => {
    const { stdout } = await mustRun(join(BIN, 'redocly'),
      ['lint', '--config', join(ROOT, 'api/redocly.yaml'), '--format', 'json', DESCRIPTION], { env: { REDOCLY_TELEMETRY: 'off' } });
    const { totals, problems } = JSON.parse(stdout);
    assert.deepEqual(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`), []);
    assert.deepEqual([totals.errors, totals.warnings, totals.ignored], [0, 0, 0]);
  });

  test('and would say it: a description with a fault is found', async () => {
    const { openapi, info, servers, tags } = JSON.parse(readFileSync(DESCRIPTION, 'utf8'));
    const get = { operationId: 'get', tags: ['Product'], summary: 'Gets.', responses: { 200: { description: 'Got.' } } };
    const file = join(folder, 'broken.json');
    writeFileSync(file, JSON.stringify({ openapi, info, servers, tags, paths: { '/x': { get } } }));
    const spectral = await run(join(BIN, 'spectral'),
      ['lint', '--ruleset', join(ROOT, 'api/spectral.yaml'), '--fail-severity', 'hint', '--format', 'json', '--quiet', file]);
    assert.notEqual(spectral.code, 0);
    assert.match(spectral.said, /operation-description/);
  });
});

// ---- clients

describe('a client that was generated buys something', () => {
  let shop, product;
  before(async () => {
    shop = await startShop();
    product = await shop.createProduct({ name: 'Brass samovar', price: 4500 });
    await mustRun(join(ROOT, 'scripts/python-modules'), [PYTHON], { cwd: ROOT });
  });

  const bought = (stdout) => assert.deepEqual(JSON.parse(stdout),
    { status: 'paid', total: { amount: 9000, currency: 'EUR' }, orders: 1 });

  test('in TypeScript, of openapi-typescript and openapi-fetch', async () => {
    const place = join(folder, 'typescript');
    mkdirSync(place);
    symlinkSync(join(ROOT, 'tests/node_modules'), join(place, 'node_modules'));
    writeFileSync(join(place, 'package.json'), '{"type": "module"}');
    copyFileSync(join(ROOT, 'tests/clients/buy.ts'), join(place, 'buy.ts'));
    await mustRun(join(BIN, 'openapi-typescript'), [DESCRIPTION, '--output', join(place, 'schema.d.ts')]);
    await mustRun(join(BIN, 'tsc'), ['--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom,dom.iterable',
      '--types', 'node', '--noUncheckedIndexedAccess', 'buy.ts'], { cwd: place });
    bought((await mustRun(process.execPath, ['buy.js', shop.url, product.id], { cwd: place })).stdout);
  });

  test('in Python, of openapi-python-client', async () => {
    const path = `${join(PYTHON, 'bin')}:${process.env.PATH}`;
    await mustRun(join(PYTHON, 'bin/openapi-python-client'),
      ['generate', '--path', DESCRIPTION, '--meta', 'none', '--output-path', join(folder, 'souk_client'), '--fail-on-warning'], { env: { PATH: path } });
    bought((await mustRun(join(PYTHON, 'bin/python'), [join(ROOT, 'tests/clients/buy.py'), shop.url, product.id],
      { env: { PYTHONPATH: folder } })).stdout);
  });
});

// ---- requests made from it

// What is of the right form may break a rule that no schema says: what it names must exist, belong
// together, be a known currency, or a cursor of this list. So that good data are taken is not asked.
test('schemathesis finds nothing but what is written to be a rule', async () => {
  const shop = await startShop({ env: { SOUK_LOG_ACCESS: 'off' } });
  await mustRun(join(ROOT, 'scripts/python-modules'), [PYTHON], { cwd: ROOT });
  await mustRun(join(PYTHON, 'bin/schemathesis'), ['run',
    `${shop.url}/openapi.json`, '--header', `Authorization: Bearer ${await shop.admin()}`, '--checks', 'all', '--exclude-checks', 'positive_data_acceptance',
    '--phases', 'examples,coverage',
    '--max-examples', '1', '--generation-deterministic', '--continue-on-failure', '--no-color']);
  await shop.api('GET', '/healthz', { expect: 200 });
});
