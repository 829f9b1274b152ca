// A bounded run of every fuzz target: its corpus, and then 20,000 inputs more, the same every time.
// Where the targets were not built, for want of clang, they are passed over by name.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ROOT } from './lib/shop.mjs';

const RUNS = 20_000;
const BUILD = join(ROOT, process.env.FUZZ_BUILD ?? 'build-fuzz', 'tests/fuzz');
const FUZZ = join(ROOT, 'tests/fuzz');
const targets = readdirSync(join(FUZZ, 'corpus')).sort();

function run(target, directory) {
  const dictionary = join(FUZZ, 'dictionaries', `${target}.dict`);
  // libFuzzer keeps what leads further in the first directory.
  const kept = join(directory, 'kept');
  mkdirSync(kept);
  return new Promise((done, fail) => {
    const child = spawn(join(BUILD, `fuzz_${target}`), [
      `-runs=${RUNS}`, '-seed=1', '-timeout=25', '-rss_limit_mb=1024', `-artifact_prefix=${directory}/found-`,
      ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []), kept, join(FUZZ, 'corpus', target),
    ], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    const chunks = [];
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', fail);
    child.on('close', (code) => done({ code, log: Buffer.concat(chunks).toString('latin1') }));
  });
}

describe('fuzz targets', { concurrency: availableParallelism() }, () => {
  for (const target of targets) {
    test(target, { skip: !existsSync(join(BUILD, `fuzz_${target}`)) && 'not built: no clang' }, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'souk-fuzz-'));
      try {
        const { code, log } = await run(target, directory);
        const inputs = readdirSync(directory).filter((name) => name !== 'kept').map((name) =>
          `${name} (base64): ${readFileSync(join(directory, name)).toString('base64').slice(0, 4000)}`);
        assert.equal(code, 0, `${log.slice(-6000)}\n${inputs.join('\n')}`);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }
});

test('every target has a corpus, and every corpus a target', () => {
  const sources = readdirSync(FUZZ).flatMap((name) => /^fuzz_(\w+)\.c$/.exec(name)?.[1] ?? []).sort();
  assert.deepEqual(sources, targets);
  const listed = [...readFileSync(join(FUZZ, 'meson.build'), 'utf8').matchAll(/'(\w+)'/g)].map((found) => found[1]);
  for (const name of sources) assert.ok(listed.includes(name), `${name} is not in meson.build`);
});
