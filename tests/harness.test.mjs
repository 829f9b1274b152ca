// The harness itself: what it must not let pass.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { validatorOver } from './lib/openapi.mjs';
import { inParallel, waitFor } from './lib/shop.mjs';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

const DOCUMENT = {
  components: {
    schemas: {
      Money: { type: 'object', required: ['amount'], properties: { amount: { type: 'integer' }, currency: { type: 'string' } } },
      Base: { type: 'object', properties: { id: { type: 'string', format: 'uuid' }, at: { type: 'string', format: 'date-time' } } },
      Order: {
        allOf: [{ $ref: '#/components/schemas/Base' }, {
          type: 'object',
          properties: {
            total: { $ref: '#/components/schemas/Money' },
            lines: { type: 'array', items: { $ref: '#/components/schemas/Money' } },
            free: { type: 'object' },
            texts: { type: 'object', additionalProperties: { type: 'string' } },
          },
        }],
      },
    },
  },
};

test('schemas are taken as closed, wherever an object stands', () => {
  const validator = validatorOver(DOCUMENT);
  const faults = (value) => validator.faults('/components/schemas/Order', value);
  const good = {
    id: ID, at: '2026-11-22T13:16:00.000Z', total: { amount: 1 }, lines: [{ amount: 2, currency: 'EUR' }],
    free: { anything: 1 }, texts: { any: 'text' },
  };
  assert.equal(faults(good), null);
  for (const bad of [
    { ...good, more: 1 },
    { ...good, total: { amount: 1, more: 1 } },
    { ...good, total: {} },
    { ...good, lines: [{ amount: 1 }, { amount: 1, more: 1 }] },
    { ...good, texts: { any: 1 } },
    { ...good, id: ID.toUpperCase() },
    { ...good, id: ID.replace('-7', '-4') },
    { ...good, at: '2026-11-22T13:16:00Z' },
    { ...good, at: '2026-11-22T13:16:00.000+01:00' },
  ]) assert.ok(faults(bad), JSON.stringify(bad));
});

test('waitFor gives what it awaited, and says what it awaited in vain', async () => {
  let calls = 0;
  const found = await waitFor(() => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return calls > 2 && 'here';
  }, 'it is here');
  assert.equal(found, 'here');
  await assert.rejects(waitFor(() => false, 'the impossible', 50), /the impossible/);
});

test('inParallel keeps order and width', async () => {
  let running = 0;
  let most = 0;
  const doubled = await inParallel([1, 2, 3, 4, 5, 6], 2, async (n) => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return n * 2;
  });
  assert.deepEqual(doubled, [2, 4, 6, 8, 10, 12]);
  assert.equal(most, 2);
});
