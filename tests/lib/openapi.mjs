// Answers against api/openapi.yaml: an answer whose operation, status, media type or any member is
// not written there is an error. The description is the build's openapi.json, beside the binary
// under test; while there is none, every answer passes.
//
// Schemas are taken as closed: an object with named properties has no others, wherever it stands,
// unless additionalProperties says so.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Ajv2020 } from 'ajv/dist/2020.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const FILE = resolve(ROOT, dirname(process.env.SOUK_BINARY ?? 'build/souk'), 'openapi.json');
const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head'];

export const openapi = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : null;

const FORMATS = {
  'uuid': /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  'date': /^\d{4}-\d\d-\d\d$/,
  'email': /^[^@\s]+@[^@\s]+$/,
  'idn-email': /^[^@\s]+@[^@\s]+$/,
  'uri': (text) => URL.canParse(text),
  'uri-reference': (text) => URL.canParse(text, 'http://base'),
  'int32': true, 'int64': true, 'double': true, 'float': true,
  'password': true, 'byte': true, 'binary': true, 'e164': /^\+[1-9]\d{1,14}$/,
};

// A validator with the common settings, over a document whose schemas it may refer into.
export function validatorOver(document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: FORMATS });
  const closed = structuredClone(document);
  closeAll(closed, closed);
  ajv.addSchema({ ...closed, $id: 'doc' }, 'doc', false, false);
  const compiled = new Map();
  return {
    // The faults of `value` against the schema at the JSON pointer, as text; null for none.
    faults(pointer, value) {
      if (!compiled.has(pointer)) {
        compiled.set(pointer, ajv.compile({ $ref: `doc#${pointer}`, ...closing(closed, pointer) }));
      }
      const validate = compiled.get(pointer);
      if (validate(value)) return null;
      return ajv.errorsText(validate.errors, { separator: '\n', dataVar: '$' }) + '\n' +
        validate.errors.map((error) => `${error.instancePath}: ${JSON.stringify(error.params)}`).join('\n');
    },
  };
}

// ---- closing schemas

const COMPOSITION = ['allOf', 'anyOf', 'oneOf'];
const CONDITION = ['if', 'then', 'else', 'not', 'dependentSchemas'];

function resolvePointer(document, pointer) {
  return pointer.split('/').slice(1).reduce((node, part) =>
    node?.[decodeURIComponent(part).replace(/~1/g, '/').replace(/~0/g, '~')], document);
}

export function resolveSchema(document, schema) {
  let found = schema;
  for (let i = 0; found?.$ref && i < 20; i++) found = resolvePointer(document, found.$ref.slice(1));
  return found;
}

// Whether the schema names properties, itself or by what it is made of.
function namesProperties(document, schema, depth = 0) {
  if (!schema || typeof schema !== 'object' || depth > 20) return false;
  if (schema.properties) return true;
  if (schema.$ref && namesProperties(document, resolveSchema(document, schema), depth + 1)) return true;
  return COMPOSITION.some((word) =>
    (schema[word] ?? []).some((part) => namesProperties(document, part, depth + 1)));
}

function closing(document, pointer) {
  return namesProperties(document, resolvePointer(document, pointer))
    ? { unevaluatedProperties: false } : {};
}

// `at`: whether the schema stands for a value of its own, not for a part of another schema.
function closeSchema(document, schema, at) {
  if (!schema || typeof schema !== 'object') return;
  for (const part of Object.values(schema.properties ?? {})) closeSchema(document, part, true);
  for (const part of Object.values(schema.patternProperties ?? {})) closeSchema(document, part, true);
  for (const word of ['additionalProperties', 'items', 'contains']) closeSchema(document, schema[word], true);
  for (const part of schema.prefixItems ?? []) closeSchema(document, part, true);
  for (const word of COMPOSITION) for (const part of schema[word] ?? []) closeSchema(document, part, false);
  for (const word of CONDITION) closeSchema(document, schema[word], false);
  if (at && schema.unevaluatedProperties === undefined && namesProperties(document, schema)) {
    schema.unevaluatedProperties = false;
  }
}

function closeAll(document, node) {
  for (const schema of Object.values(document.components?.schemas ?? {})) {
    closeSchema(document, schema, false);
  }
  (function walk(part, name) {
    if (!part || typeof part !== 'object') return;
    for (const [key, value] of Object.entries(part)) {
      if (key === 'schema' || key === 'payload') closeSchema(document, value, true);
      else if (name !== 'schemas') walk(value, key);
    }
  })(node, '');
}

// ---- operations

// Every operation: {method, path, operation, pattern}; a path's static parts win over parameters.
export const operations = Object.entries(openapi?.paths ?? {}).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({
    method: method.toUpperCase(),
    path,
    pointer: `/paths/${path.replace(/~/g, '~0').replace(/\//g, '~1')}/${method}`,
    operation: item[method],
    item,
    pattern: new RegExp(`^${path.split('/')
      .map((part) => (part.includes('{') ? '[^/]+' : part.replace(/[.]/g, '\\.'))).join('/')}$`),
  })),
).sort((a, b) => parameters(a.path) - parameters(b.path));

function parameters(path) {
  return path.split('{').length - 1;
}

// The operation of a request, or undefined; HEAD goes with GET.
export function findOperation(method, path) {
  const bare = path.split('?')[0];
  const wanted = method === 'HEAD' ? 'GET' : method;
  return operations.find((found) => found.method === wanted && found.pattern.test(bare));
}

export function knowsPath(path) {
  return operations.some(({ pattern }) => pattern.test(path.split('?')[0]));
}

// ---- checking

const validator = openapi && validatorOver(openapi);
const seen = new Set();

// What was met: "METHOD /path/{id} status", for tests that look at it.
export function seenAnswers() {
  return seen;
}

function undocumented(method, path, answer, why) {
  const error = new Error(`${method} ${path} answers ${answer.status}, which api/openapi.yaml does ` +
    `not describe so: ${why}\n${answer.text.slice(0, 3000)}`);
  error.code = 'ERR_UNDOCUMENTED';
  return error;
}

export function checkAnswer(method, path, answer) {
  if (!openapi) return;
  const found = findOperation(method, path);
  if (!found) {
    checkOutside(method, path, answer);
    return;
  }
  const { operation } = found;
  const code = operation.responses[answer.status] ? String(answer.status)
    : operation.responses[`${String(answer.status)[0]}XX`] ? `${String(answer.status)[0]}XX` : 'default';
  const refers = operation.responses[code];
  if (!refers) throw undocumented(method, path, answer, `${found.path} knows no such status`);
  seen.add(`${found.method} ${found.path} ${answer.status}`);

  const response = resolveSchema(openapi, refers);
  checkHeaders(method, path, answer, response);
  const pointer = refers.$ref ? refers.$ref.slice(1) : `${found.pointer}/responses/${code}`;
  if (method === 'HEAD' || answer.status === 304 || answer.text === '') {
    if (method !== 'HEAD' && answer.status !== 304 && response.content) {
      throw undocumented(method, path, answer, 'it has no body');
    }
    return;
  }
  const type = (answer.headers['content-type'] ?? '').split(';')[0].trim();
  const content = response.content?.[type];
  if (!content) throw undocumented(method, path, answer, `it has the media type "${type}"`);
  if (answer.json === undefined || !content.schema) return;
  const faults = validator.faults(
    `${pointer}/content/${type.replace(/\//g, '~1').replace(/\+/g, '%2B')}/schema`, answer.json);
  if (faults) throw undocumented(method, path, answer, `\n${faults}`);
}

// Headers that an answer has exactly where its description has them; others depend on the request.
const TOLD_HEADERS = ['Location', 'ETag', 'WWW-Authenticate', 'Retry-After', 'X-Request-Id'];

function checkHeaders(method, path, answer, response) {
  const described = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
  for (const name of TOLD_HEADERS) {
    const told = answer.headers[name.toLowerCase()] !== undefined;
    const wanted = described.includes(name.toLowerCase());
    if (name === 'Retry-After' && answer.status === 409) continue; // of some conflicts only
    if (told !== wanted) {
      throw undocumented(method, path, answer, `the header ${name} is ${told ? 'sent' : 'missing'}`);
    }
  }
}

// A request that no operation describes is refused: 404 for the path, 405 for the method.
function checkOutside(method, path, answer) {
  if (method === 'OPTIONS' && answer.status === 204) return;
  const wanted = knowsPath(path) ? 405 : 404;
  if (answer.status === wanted || answer.status === 429 || answer.status === 503) return;
  if ([400, 413, 414, 431].includes(answer.status)) return;
  throw undocumented(method, path, answer, `a request that is not described answers ${wanted}`);
}
