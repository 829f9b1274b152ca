// Requests that no HTTP client would send: bytes on a socket, and the answer that comes back.

import net from 'node:net';

import { WAIT_MS } from './shop.mjs';

// Writes the bytes (text, a buffer, or a list of them) and reads one answer: {status, headers, json,
// text}. null where the connection is closed without one. `half`: the sending side is closed then.
export function sendRaw(url, bytes, { half = false } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = net.connect({ host: hostname, port, allowHalfOpen: true });
    const chunks = [];
    let ended = false;
    const finish = (value) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      socket.destroy();
      done(value);
    };
    const timer = setTimeout(() => {
      ended = true;
      socket.destroy();
      fail(new Error(`no answer to ${String(bytes).slice(0, 200)}`));
    }, WAIT_MS);
    socket.on('connect', () => {
      for (const part of [bytes].flat()) socket.write(part);
      if (half) socket.end();
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const answer = parse(Buffer.concat(chunks), false);
      if (answer) finish(answer);
    });
    socket.on('end', () => finish(parse(Buffer.concat(chunks), true)));
    // A server that closes while more is being sent resets; what it said before counts.
    socket.on('error', () => finish(parse(Buffer.concat(chunks), true)));
  });
}

function parse(bytes, atEnd) {
  const text = bytes.toString('latin1');
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [statusLine, ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  if (status === 100) return parse(bytes.subarray(headEnd + 4), atEnd);
  const body = bytes.subarray(headEnd + 4);
  const length = Number(headers['content-length'] ?? NaN);
  if (!(body.length >= length) && !atEnd) return null;
  const bodyText = body.subarray(0, Number.isNaN(length) ? body.length : length).toString('utf8');
  let json;
  if (/json/.test(headers['content-type'] ?? '')) {
    try {
      json = JSON.parse(bodyText);
    } catch {
      json = undefined;
    }
  }
  return { status, headers, text: bodyText, json };
}

// The bytes of a request. `headers`: a list of lines, written as they are.
export function requestBytes(method, path, headers = [], body = '') {
  const bytes = Buffer.from(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: shop', ...headers];
  if (bytes.length && !headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))) {
    lines.push(`Content-Length: ${bytes.length}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}
