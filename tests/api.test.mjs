// The two descriptions of the interface, api/openapi.yaml and api/asyncapi.yaml, by themselves: that
// they are whole, that their references lead somewhere, that every example is what its schema says,
// that they name the same problems and events as contract/, and the routes that the program has. No
// shop is needed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { validatorOver } from './lib/openapi.mjs';
import { runSouk } from './lib/shop.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head'];
const ROLES = ['customer', 'vendor', 'admin', 'service'];

const scratch = mkdtempSync(join(tmpdir(), 'souk-api-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

// As the build reads it.
function read(name) {
  const out = join(scratch, `${name}.json`);
  execFileSync(join(ROOT, 'scripts/yaml-to-json'), [join(ROOT, 'api', `${name}.yaml`), out]);
  return JSON.parse(readFileSync(out, 'utf8'));
}

const contract = (name) => readFileSync(join(ROOT, 'contract', name), 'utf8');
const problems = [...contract('errors.def').matchAll(/^ERROR\(\w+, (\d{3}), "([\w-]+)", "([^"]+)"/gm)]
  .map(([, status, slug, title]) => ({ status: Number(status), slug, title }));
const events = [...contract('events.h').matchAll(/^\tEVENT\((\w+), (\w+)\)/gm)]
  .map(([, type, source]) => ({ type, source }));

const openapi = read('openapi');
const asyncapi = read('asyncapi');
const validators = new Map([openapi, asyncapi].map((document) => [document, validatorOver(document)]));

// ---- walking a document

const escape = (part) => String(part).replace(/~/g, '~0').replace(/\//g, '~1').replace(/\+/g, '%2B');

// Every object in it, with its pointer; the insides of examples are data, and left out.
function* nodes(node, pointer = '', name = '') {
  if (node === null || typeof node !== 'object') return;
  yield { node, pointer, name };
  for (const [key, part] of Object.entries(node)) {
    const isData = ['example', 'payload', 'value', 'default', 'const', 'enum'].includes(key) && name !== 'properties' &&
      !(key === 'payload' && part?.$ref);
    if (!isData) yield* nodes(part, `${pointer}/${escape(key)}`, key);
  }
}

function follow(document, reference) {
  assert.match(reference, /^#\//, `${reference} leads out of the document`);
  return reference.slice(2).split('/').reduce((node, part) =>
    node?.[decodeURIComponent(part).replace(/~1/g, '/').replace(/~0/g, '~')], document);
}

function resolved(document, node) {
  let found = node;
  for (let i = 0; found?.$ref && i < 20; i++) found = follow(document, found.$ref);
  return found;
}

function demand(document, schemaPointer, value, what) {
  const faults = validators.get(document).faults(schemaPointer, value);
  assert.equal(faults, null, `${what}:\n${faults}\n${JSON.stringify(value, null, 1)?.slice(0, 2000)}`);
}

function forEachDocument(what, fn) {
  test(`${what}: openapi.yaml`, () => fn(openapi));
  test(`${what}: asyncapi.yaml`, () => fn(asyncapi));
}

// ---- both

forEachDocument('every reference leads somewhere', (document) => {
  for (const { node, pointer } of nodes(document)) {
    if (typeof node.$ref !== 'string') continue;
    assert.notEqual(follow(document, node.$ref), undefined, `${pointer}: ${node.$ref}`);
  }
});

forEachDocument('every component is used', (document) => {
  const text = JSON.stringify(document);
  for (const [kind, all] of Object.entries(document.components)) {
    if (kind === 'securitySchemes') continue;
    for (const name of Object.keys(all)) {
      assert.ok(text.includes(`"#/components/${kind}/${name}"`), `components/${kind}/${name} is not`);
    }
  }
});

forEachDocument('every schema compiles', (document) => {
  for (const name of Object.keys(document.components.schemas)) {
    validators.get(document).faults(`/components/schemas/${name}`, null);
  }
});

forEachDocument('every object that names its members has no others', (document) => {
  for (const { node, pointer, name } of nodes(document)) {
    if (name === 'properties' || !node.properties || node.type !== 'object') continue;
    assert.notEqual(node.additionalProperties, undefined, pointer);
  }
});

forEachDocument('every member that is required is named', (document) => {
  for (const { node, pointer } of nodes(document)) {
    if (!Array.isArray(node.required) || !node.properties) continue;
    for (const name of node.required) assert.ok(Object.hasOwn(node.properties, name), `${pointer}: ${name}`);
  }
});

// ---- openapi.yaml

const operations = Object.entries(openapi.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
  .map((method) => ({ name: `${method.toUpperCase()} ${path}`, path, method, operation: item[method],
    pointer: `/paths/${escape(path)}/${method}` })));

const examplesOf = (media) => [
  ...(media.example === undefined ? [] : [media.example]),
  ...Object.values(media.examples ?? {}).map((example) => resolved(openapi, example).value),
];

describe('operations', () => {
  test('have names of their own', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
    for (const name of names) assert.match(name, /^[a-z][A-Za-z]+$/);
  });

  for (const { name, path, method, operation, pointer } of operations) {
    test(name, () => {
      assert.match(operation.summary ?? '', /^[A-Z].*\.$/, 'summary is a sentence');
      assert.equal(operation.tags?.length, 1);
      assert.ok(openapi.tags.some((tag) => tag.name === operation.tags[0]), operation.tags[0]);

      const roles = operation['x-roles'];
      assert.ok(Array.isArray(roles) && roles.length, 'x-roles');
      if (roles[0] !== 'anyone') assert.ok(roles.every((role) => ROLES.includes(role)), roles.join());
      else assert.equal(roles.length, 1);
      assert.deepEqual(roles[0] === 'anyone', operation.security.length === 0 ||
        operation.security.some((one) => Object.keys(one).length === 0), 'security says what x-roles says');

      const statuses = Object.keys(operation.responses);
      const parameters = (operation.parameters ?? []).map((one) => resolved(openapi, one));
      const has = (where, wanted) => parameters.some((one) => one.in === where && one.name.toLowerCase() === wanted);
      assert.ok(statuses.some((status) => /^2/.test(status)), 'a good answer');
      if (roles[0] !== 'anyone') for (const status of ['401', '403']) assert.ok(statuses.includes(status), status);
      for (const [, parameter] of path.matchAll(/\{(\w+)\}/g)) {
        assert.ok(has('path', parameter.toLowerCase()), `{${parameter}}`);
        assert.ok(statuses.includes('404'), '404');
      }
      assert.equal(has('header', 'idempotency-key'), operation['x-idempotent'] === true);
      assert.equal(has('header', 'if-match'), statuses.includes('412'));
      assert.equal(has('header', 'if-none-match'), statuses.includes('304'));
      if (operation['x-idempotent']) for (const status of ['409', '422']) assert.ok(statuses.includes(status), status);
      if (operation.requestBody) for (const status of ['400', '413', '415']) assert.ok(statuses.includes(status), status);
      if (method === 'get') assert.equal(operation.requestBody, undefined);
    });

    test(`${name}: its examples are good`, () => {
      let count = 0;
      const media = (content, at) => {
        for (const [type, one] of Object.entries(content ?? {})) {
          for (const example of examplesOf(one)) {
            if (!at.includes('/responses/') || /^\/.*\/responses\/2/.test(at)) count += 1;
            demand(openapi, `${at}/content/${escape(type)}/schema`, example, `${at} ${type}`);
          }
        }
      };
      media(operation.requestBody?.content, `${pointer}/requestBody`);
      for (const [status, response] of Object.entries(operation.responses)) {
        if (!response.$ref) media(response.content, `${pointer}/responses/${status}`);
      }
      (operation.parameters ?? []).forEach((one, i) => {
        const parameter = resolved(openapi, one);
        if (parameter.example === undefined) return;
        if (!one.$ref) count += 1;
        const at = one.$ref ? one.$ref.slice(1) : `${pointer}/parameters/${i}`;
        demand(openapi, `${at}/schema`, parameter.example, at);
      });
      const says = operation.requestBody || Object.entries(operation.responses)
        .some(([status, response]) => /^2/.test(status) && response.content);
      assert.ok(count > 0 || !says, 'an example');
    });
  }
});

// That the operations are the routes of the program, openapi.test.mjs holds.
test('where a token is looked at, and where a body may be left out, is as the program does', async () => {
  const { code, stdout } = await runSouk(['routes']);
  assert.equal(code, 0);
  for (const line of stdout.trim().split('\n')) {
    const [method, path, , flags] = line.split(' ');
    const name = `${method} ${path.replace(/:(\w+)/g, '{$1}')}`;
    const found = operations.find((one) => one.name === name);
    if (!found) continue;
    const { security, requestBody, responses } = found.operation;
    const looksAtToken = !flags.split(',').includes('no-token');
    assert.equal(security.some((one) => one.bearer), looksAtToken, name);
    if (looksAtToken) assert.ok(responses[401], name);
    assert.equal(requestBody?.required === false, flags.split(',').includes('body-optional'), name);
  }
});

test('the answers that operations share have good examples', () => {
  for (const [name, response] of Object.entries(openapi.components.responses)) {
    for (const [type, media] of Object.entries(response.content ?? {})) {
      assert.ok(examplesOf(media).length, name);
      for (const example of examplesOf(media)) {
        demand(openapi, `/components/responses/${name}/content/${escape(type)}/schema`, example, name);
      }
    }
  }
});

test('the types of problems are those of contract/errors.def, with their statuses and titles', () => {
  assert.ok(problems.length > 30);
  assert.deepEqual([...openapi.components.schemas.ProblemType.enum].sort(),
    problems.map(({ slug }) => `/problems/${slug}`).sort());
  for (const { node, pointer } of nodes(openapi)) {
    const example = node.example;
    if (typeof example?.type !== 'string' || !example.type.startsWith('/problems/')) continue;
    const { status, title } = problems.find(({ slug }) => example.type === `/problems/${slug}`);
    assert.deepEqual([example.status, example.title], [status, title], pointer);
  }
});

test('the problems that a description names in backticks are of its status', () => {
  const known = new Map(problems.map(({ slug, status }) => [slug, String(status)]));
  for (const { name, operation } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const [, word] of (response.description ?? '').matchAll(/`([a-z-]+)`/g)) {
        if (known.has(word)) assert.equal(known.get(word), status, `${name} ${status}: ${word}`);
      }
    }
  }
});

// ---- asyncapi.yaml

describe('events', () => {
  const operationsOf = (action) => Object.entries(asyncapi.operations).filter(([, one]) => one.action === action);
  const channelOf = ({ channel }) => channel.$ref.slice('#/channels/'.length);

  test('the channels are the types of contract/events.h, and no others', () => {
    assert.ok(events.length > 15);
    assert.deepEqual(Object.keys(asyncapi.channels).sort(), events.map(({ type }) => type).sort());
  });

  for (const { type, source } of events) {
    test(type, () => {
      const channel = asyncapi.channels[type];
      assert.equal(channel.address, `souk.${source}.${type}`);
      assert.deepEqual(channel.messages, { [type]: { $ref: `#/components/messages/${type}` } });

      const message = asyncapi.components.messages[type];
      assert.match(message.summary ?? '', /^[A-Z].*\.$/, 'summary is a sentence');
      const { properties } = resolved(asyncapi, message.payload);
      assert.equal(properties.type.const, type);
      assert.equal(properties.source.const, `/services/${source}`);
      assert.ok(message.examples?.length, 'an example');
      for (const { payload } of message.examples) {
        demand(asyncapi, message.payload.$ref.slice(1), payload, type);
        assert.equal(payload.traceparent.length, 55);
      }

      const senders = operationsOf('send').filter(([, one]) => channelOf(one) === type);
      assert.deepEqual(senders.map(([name]) => name), [`${source}.send${type}`]);
      assert.ok(operationsOf('receive').some(([, one]) => channelOf(one) === type), 'somebody hears it');
    });
  }

  test('who hears what is what the subscriptions of the services say', () => {
    const services = [...new Set(events.map(({ source }) => source)), 'notification', 'analytics'];
    const heard = new Set();
    for (const service of services) {
      let table;
      try {
        table = readFileSync(join(ROOT, 'src/services', service, 'events.c'), 'utf8');
      } catch {
        continue; // it hears nothing
      }
      const [, rows] = /subscription \w+_subscriptions\[\] = \{([\s\S]*?)\n\};/.exec(table);
      for (const [, type] of rows.matchAll(/\{\s*"(\w+)",\s*\w+\s*\}/g)) heard.add(`${service}.on${type}`);
    }
    assert.deepEqual(operationsOf('receive').map(([name]) => name).sort(), [...heard].sort());
  });

  test('operations are named for their service and channel', () => {
    for (const [name, one] of Object.entries(asyncapi.operations)) {
      assert.equal(name.split('.')[1], `${one.action === 'send' ? 'send' : 'on'}${channelOf(one)}`);
      assert.match(one.summary ?? '', /^[A-Z].*\.$/, name);
      assert.equal(one.messages[0].$ref, `${one.channel.$ref}/messages/${channelOf(one)}`);
    }
  });
});
