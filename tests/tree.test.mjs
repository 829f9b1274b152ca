// The permissions of the tree: who may include whom, and what is named nowhere but in its place.
// Each rule is a function from files ({path, text}) to faults ("file:line: what, and the rule").
// The first tests hold the tree to the rules; the last ones break each rule on purpose.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const FILE_LINES_MAX = 700;
const FUNCTION_LINES_MAX = 80;

// Layer -> layers it may include besides itself and contract/. A service is a layer of its own.
const MAY_INCLUDE = {
  'contract': ['base'],
  'base': [],
  'runtime': ['base'],
  'http': ['base', 'runtime'],
  'store': ['base', 'runtime'],
  'events': ['base', 'runtime', 'store'],
  'platform': ['base', 'runtime', 'http', 'store', 'events'],
  'gateway': ['base', 'runtime', 'http', 'events', 'platform'],
  'services/*': ['base', 'runtime', 'http', 'store', 'events', 'platform'],
  'cli': ['base', 'runtime', 'http', 'store', 'events', 'platform', 'gateway', 'services/*'],
  'main': ['base', 'runtime', 'http', 'store', 'events', 'platform', 'gateway', 'services/*', 'cli'],
};

// A driver's header -> the files that may include it.
const DRIVERS = [
  [/^sys\/epoll/, /^src\/http\/server\w*\.c$/, 'src/http/server*.c'],
  [/^curl\//, /^src\/http\/client\w*\.c$/, 'src/http/client*.c'],
  [/^sqlite3/, /^src\/store\/(sqlite\w*|test_\w*vfs\w*)\.c$/,
    'src/store/sqlite*.c and src/store/test_*vfs*.c'],
  [/^(libpq|postgres)/, /^src\/store\/postgres\w*\.c$/, 'src/store/postgres*.c'],
  [/^(mongoc|bson)/, /^src\/store\/mongo\w*\.c$/, 'src/store/mongo*.c'],
  [/^hiredis/, /^src\/store\/redis\w*\.c$/, 'src/store/redis*.c'],
  [/^nats/, /^src\/events\/nats\w*\.c$/, 'src/events/nats*.c'],
  [/^uv(\.h|\/)/, /^src\/runtime\//, 'src/runtime'],
  [/^sodium/, /^src\/base\//, 'src/base'],
  [/^unicode\//, /^src\/base\//, 'src/base'],
  [/^jansson/, /^src\/base\//, 'src/base'],
  [/^cmocka/, /(^|\/)test_\w+\.[ch]$/, 'test_*.c'],
];

// Names of the system's -> the files that may use them. Words as common as `time` count as calls
// only, and not as members.
const CLOCK_AND_CHANCE = {
  names: /\b(clock_gettime|clock_getres|gettimeofday|timespec_get|uv_hrtime|uv_clock_gettime|uv_gettimeofday|uv_random|getrandom|getentropy|arc4random\w*|[dlmnje]rand48|rand_r|randombytes_\w+)\b|(?<![\w.]|->)(time|clock|rand|srand|random|srandom)\s*\(/,
  may: /^src\/base\/(env\.c|banned\.h)$/,
  rule: 'the clock and chance are read in src/base/env.c alone: use base/env.h',
};
const KEY_GENERATION = {
  names: /\bcrypto_\w+_(keypair|keygen)\b/,
  may: /^src\/base\//,
  rule: 'keys are generated in src/base alone',
};
const THREADS = {
  names: /\b(pthread_create|thrd_create|uv_thread_create\w*|uv_queue_work)\b/,
  may: /^src\/(runtime|store)\/|\/test_\w+\.c$/,
  rule: 'threads are started in src/runtime and src/store alone: use a fiber, or offload()',
};

// ---- reading C

// The text without its comments and, if asked, without what stands in strings; lines stay lines.
function code(text, { strings = true } = {}) {
  const token = /\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'/g;
  return text.replace(token, (found) => {
    if (found[0] === '/') return found.replace(/[^\n]/g, ' ');
    return strings ? found : found[0] + found.slice(1, -1).replace(/[^\n]/g, ' ') + found[0];
  });
}

function includes(file) {
  const found = [];
  code(file.text).split('\n').forEach((line, i) => {
    const match = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(line);
    if (match) found.push({ line: i + 1, quoted: match[1] === '"', name: match[2] });
  });
  return found;
}

// The layer of a path written from the repository's root or, as includes are, from src; else null.
function layerOf(path) {
  const name = path.replace(/^src\//, '');
  if (path === 'src/main.c') return 'main';
  const service = /^services\/[^/]+(?=\/)/.exec(name);
  if (service) return service[0];
  const folder = /^([^/]+)\//.exec(name)?.[1];
  return Object.hasOwn(MAY_INCLUDE, folder ?? '') && folder !== 'main' ? folder : null;
}

const isService = (layer) => layer.startsWith('services/');

function mayInclude(from, to) {
  if (to === from || to === 'contract') return true;
  const allowed = MAY_INCLUDE[isService(from) ? 'services/*' : from];
  return allowed.includes(isService(to) ? 'services/*' : to);
}

// ---- the rules

function everyFileHasALayer(files) {
  return files
    .filter((file) => layerOf(file.path) === null)
    .map((file) => `${file.path}:1: is in no layer: src holds the folders of the design alone`);
}

function includesAreWrittenInFull(files) {
  return files.flatMap((file) => includes(file).flatMap(({ line, quoted, name }) => {
    const layer = layerOf(name);
    if (quoted && layer === null) {
      return [`${file.path}:${line}: "${name}": our headers are included by their path from src ` +
        'or the root ("base/arena.h"), the system\'s in angle brackets'];
    }
    if (!quoted && layer !== null) {
      return [`${file.path}:${line}: <${name}>: our headers are included in quotes`];
    }
    return [];
  }));
}

function layersIncludeOnlyWhatTheyMay(files) {
  return files.flatMap((file) => {
    const from = layerOf(file.path);
    if (from === null) return [];
    return includes(file).flatMap(({ line, name }) => {
      const to = layerOf(name);
      if (to === null || mayInclude(from, to) || (isService(from) && isService(to))) return [];
      return [`${file.path}:${line}: ${from} may not include ${to} ("${name}")`];
    });
  });
}

function servicesMeetInCallsAndEventsOnly(files) {
  return files.flatMap((file) => {
    const from = layerOf(file.path);
    if (from === null || !isService(from)) return [];
    return includes(file).flatMap(({ line, name }) => {
      const to = layerOf(name);
      if (to === null || !isService(to) || to === from) return [];
      return [`${file.path}:${line}: "${name}": a service never includes another; ` +
        'they meet in calls and events'];
    });
  });
}

function driversHeadersStayInTheirFiles(files) {
  return files.flatMap((file) => includes(file).flatMap(({ line, name }) =>
    DRIVERS
      .filter(([header, may]) => header.test(name) && !may.test(file.path))
      .map(([, , place]) => `${file.path}:${line}: <${name}> is included in ${place} alone`)));
}

function namesStayInTheirPlace({ names, may, rule }) {
  return (files) => files.filter((file) => !may.test(file.path)).flatMap((file) =>
    code(file.text, { strings: false }).split('\n').flatMap((line, i) => {
      const match = /^\s*#\s*include/.test(line) ? null : names.exec(line);
      return match ? [`${file.path}:${i + 1}: ${match[1] ?? match[2]}: ${rule}`] : [];
    }));
}

function filesAreShort(files) {
  return files.flatMap((file) => {
    const lines = file.text.replace(/\n$/, '').split('\n').length;
    if (lines <= FILE_LINES_MAX) return [];
    return [`${file.path}:${FILE_LINES_MAX + 1}: ${lines} lines; a file has at most ` +
      `${FILE_LINES_MAX}`];
  });
}

// A function is what lies between a brace in column 0 and the next that closes it there.
function functionsAreShort(files) {
  return files.flatMap((file) => {
    const lines = code(file.text, { strings: false }).split('\n');
    const faults = [];
    let start = -1;
    lines.forEach((line, i) => {
      if (line.startsWith('{')) start = i;
      if (!line.startsWith('}') || start < 0) return;
      const length = i - start + 1;
      if (length > FUNCTION_LINES_MAX) {
        faults.push(`${file.path}:${start + 1}: ${functionName(lines, start)} has ${length} ` +
          `lines; a function has at most ${FUNCTION_LINES_MAX}`);
      }
      start = -1;
    });
    return faults;
  });
}

function functionName(lines, brace) {
  let head = '';
  for (let i = brace - 1; i >= 0 && !/^\s*$|^[}#]|;\s*$/.test(lines[i]); i--) {
    head = lines[i] + ' ' + head;
  }
  return /(\w+)\s*\(/.exec(head)?.[1] ?? 'a function';
}

const RULES = {
  'every file of src is in a layer': everyFileHasALayer,
  'includes are written in full': includesAreWrittenInFull,
  'a layer includes only what it may': layersIncludeOnlyWhatTheyMay,
  'services meet in calls and events only': servicesMeetInCallsAndEventsOnly,
  'drivers\' headers stay in their files': driversHeadersStayInTheirFiles,
  'the clock and chance come from base/env.h': namesStayInTheirPlace(CLOCK_AND_CHANCE),
  'keys are generated in base': namesStayInTheirPlace(KEY_GENERATION),
  'threads are started in runtime and store only': namesStayInTheirPlace(THREADS),
  'files are short': filesAreShort,
  'functions are short': functionsAreShort,
};

// ---- the tree

function readTree() {
  const files = [];
  const walk = (folder) => {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (/\.(c|h|def)$/.test(entry.name)) {
        files.push({ path, text: readFileSync(join(ROOT, path), 'utf8') });
      }
    }
  };
  walk('src');
  walk('contract');
  return files;
}

const tree = readTree();

test('there is a tree to look at', () => {
  assert.ok(tree.some((file) => file.path.startsWith('src/base/')));
});

for (const [name, rule] of Object.entries(RULES)) {
  test(`the tree: ${name}`, () => {
    const faults = rule(tree);
    assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
  });
}

// ---- the rules themselves

// A row: rule, path, text, and the line of the fault that must be found, or null for none.
const lines = (n) => 'x;\n'.repeat(n);
const EXAMPLES = [
  ['every file of src is in a layer', 'src/misc/a.c', '', 1],
  ['every file of src is in a layer', 'src/other.c', '', 1],
  ['every file of src is in a layer', 'src/services/a.c', '', 1],
  ['every file of src is in a layer', 'src/main.c', '', null],
  ['every file of src is in a layer', 'src/services/order/a.c', '', null],

  ['includes are written in full', 'src/base/a.c', '\n#include "arena.h"\n', 2],
  ['includes are written in full', 'src/base/a.c', '#include "../base/arena.h"\n', 1],
  ['includes are written in full', 'src/base/a.c', '#include <base/arena.h>\n', 1],
  ['includes are written in full', 'src/base/a.c', '#include "base/arena.h"\n#include <a.h>', null],
  ['includes are written in full', 'src/base/a.c', '/*\n#include "arena.h"\n*/\n', null],
  ['includes are written in full', 'src/base/a.c', '#include "contract/errors.def"\n', null],

  ['a layer includes only what it may', 'src/base/a.c', '#include "runtime/loop.h"\n', 1],
  ['a layer includes only what it may', 'src/runtime/a.c', '#include "http/server.h"\n', 1],
  ['a layer includes only what it may', 'src/http/a.c', '#include "store/sql.h"\n', 1],
  ['a layer includes only what it may', 'src/store/a.c', '#include "http/server.h"\n', 1],
  ['a layer includes only what it may', 'src/events/a.c', '#include "http/server.h"\n', 1],
  ['a layer includes only what it may', 'src/platform/a.c', '#include "gateway/cors.h"\n', 1],
  ['a layer includes only what it may', 'src/platform/a.c', '#include "services/user/a.h"\n', 1],
  ['a layer includes only what it may', 'src/gateway/a.c', '#include "store/sql.h"\n', 1],
  ['a layer includes only what it may', 'src/gateway/a.c', '#include "services/user/a.h"\n', 1],
  ['a layer includes only what it may', 'src/services/user/a.c', '\n#include "gateway/a.h"\n', 2],
  ['a layer includes only what it may', 'src/services/user/a.c', '#include "cli/import.h"\n', 1],
  ['a layer includes only what it may', 'src/cli/a.h', '#include "cli/import.h"\n', null],
  ['a layer includes only what it may', 'src/cli/a.c', '#include "services/user/a.h"\n', null],
  ['a layer includes only what it may', 'src/main.c', '#include "services/user/a.h"\n', null],
  ['a layer includes only what it may', 'src/platform/a.c', '#include "events/outbox.h"\n', null],
  ['a layer includes only what it may', 'src/base/a.c', '#include "contract/errors.def"\n', null],
  ['a layer includes only what it may', 'contract/events.h', '#include "http/router.h"\n', 1],

  ['services meet in calls and events only', 'src/services/order/a.c',
    '#include "services/user/user.h"\n', 1],
  ['services meet in calls and events only', 'src/services/order/a.c',
    '#include "services/order/order.h"\n', null],
  ['services meet in calls and events only', 'src/main.c', '#include "services/user/a.h"\n', null],

  ['drivers\' headers stay in their files', 'src/http/client.c', '#include <sys/epoll.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/http/server.h', '#include <sys/epoll.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/http/server.c', '#include <curl/curl.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/store/sql.c', '#include <sqlite3.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/cli/audit.c', '#include <sqlite3.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/http/server.c', '#include <uv.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/platform/a.c', '#include <sodium.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/platform/a.c', '#include <jansson.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/events/bus.c', '#include <nats/nats.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/base/arena.c', '#include <cmocka.h>\n', 1],
  ['drivers\' headers stay in their files', 'src/http/server_wire.c', '#include <sys/epoll.h>', null],
  ['drivers\' headers stay in their files', 'src/http/client.c', '#include <curl/multi.h>\n', null],
  ['drivers\' headers stay in their files', 'src/store/sqlite_writer.c', '#include <sqlite3.h>', null],
  ['drivers\' headers stay in their files', 'src/store/test_vfs.c', '#include <sqlite3.h>\n', null],
  ['drivers\' headers stay in their files', 'src/base/json.h', '#include <jansson.h>\n', null],
  ['drivers\' headers stay in their files', 'src/base/test_arena.c', '#include <cmocka.h>\n', null],

  ['the clock and chance come from base/env.h', 'src/base/id.c', '\tclock_gettime(C, &t);\n', 1],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\n\tx = time(NULL);\n', 2],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\tif (a >time(NULL))\n', 1],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\tx = rand() + random();\n', 1],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\trandombytes_buf(p, n);\n', 1],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\tgetrandom(p, n, 0);\n', 1],
  ['the clock and chance come from base/env.h', 'src/runtime/a.c', '\tuv_hrtime();\n', 1],
  ['the clock and chance come from base/env.h', 'src/base/env.c', '\ttime(NULL); getrandom();\n', null],
  ['the clock and chance come from base/env.h', 'src/base/id.c',
    '\tenv_time(e); e->time(e); e.random(e); log("time(s)"); // time(1)\n/* rand() */\n', null],
  ['the clock and chance come from base/env.h', 'src/base/id.c', '\tint64_t time = 1;\n', null],

  ['the clock and chance come from base/env.h', 'src/runtime/a.c', '\ttimespec_get(&t, 1);\n', 1],
  ['keys are generated in base', 'src/services/auth/a.c', '\tcrypto_sign_keypair(p, s);\n', 1],
  ['keys are generated in base', 'src/base/jwt.c', '\tcrypto_sign_keypair(p, s);\n', null],

  ['threads are started in runtime and store only', 'src/http/server.c', '\tpthread_create(&t);\n', 1],
  ['threads are started in runtime and store only', 'src/services/user/a.c', '\n\tuv_queue_work(l);', 2],
  ['threads are started in runtime and store only', 'src/base/a.c', '\tuv_thread_create_ex(&t);\n', 1],
  ['threads are started in runtime and store only', 'src/store/a.c', '\tpthread_create(&t);\n', null],

  ['files are short', 'src/base/a.c', lines(FILE_LINES_MAX + 1), FILE_LINES_MAX + 1],
  ['files are short', 'src/base/a.c', lines(FILE_LINES_MAX), null],

  ['functions are short', 'src/base/a.c',
    `static int f(int a,\n\t     int b)\n{\n${lines(FUNCTION_LINES_MAX - 1)}}\n`, 3],
  ['functions are short', 'src/base/a.c', `int f(void)\n{\n${lines(FUNCTION_LINES_MAX - 2)}}\n`, null],
  ['functions are short', 'src/base/a.c', `struct a {\n${lines(FUNCTION_LINES_MAX + 9)}};\n`, null],
];

for (const [name, rule] of Object.entries(RULES)) {
  test(`the rule is a rule: ${name}`, () => {
    const examples = EXAMPLES.filter((example) => example[0] === name);
    assert.ok(examples.some((example) => example[3] !== null), 'no example breaks it');
    assert.ok(examples.some((example) => example[3] === null), 'no example keeps it');
    for (const [, path, text, line] of examples) {
      const faults = rule([{ path, text }]);
      const where = line === null ? [] : [`${path}:${line}`];
      assert.deepEqual(faults.map((fault) => /^[^:]+:\d+/.exec(fault)[0]), where,
        `${path}\n${text}\n${faults.join('\n')}`);
    }
  });
}

test('the rule is a rule: a function is called by its name', () => {
  const text = `int x;\n\nstatic int f(int a,\n\t     int b)\n{\n${lines(FUNCTION_LINES_MAX)}}\n`;
  assert.match(functionsAreShort([{ path: 'src/base/a.c', text }])[0], /: f has 82 lines/);
});
