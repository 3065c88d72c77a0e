// Requests to the API. URLs are relative to the page, wherever it is mounted.

// A Problem is an answer that is none: kind is the last part of its type, or
// "offline" where no answer came.
export class Problem extends Error {
  constructor(kind, { detail = '', status = 0, supervision = null } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, status, supervision });
  }
}

// makeAPI returns get(path) and post(path, body, {key, signal}). clock takes in
// the time of each answer; fetch is the browser's, unless a test has its own.
export function makeAPI(clock, fetch = globalThis.fetch.bind(globalThis)) {
  async function ask(path, init) {
    const sent = Date.now();
    let res;
    try {
      res = await fetch(`api/${path}`, { cache: 'no-store', ...init });
    } catch (err) {
      if (init?.signal?.aborted) throw err;
      throw new Problem('offline');
    }
    clock.date(res.headers.get('Date'), sent, Date.now());
    if (res.ok && res.status === 204) return null;
    let body = null;
    try {
      body = await res.json();
    } catch (err) {
      if (init?.signal?.aborted) throw err;
      if (res.ok) throw new Problem('offline'); // cut off
    }
    if (res.ok) return body;
    throw problemOf(res.status, body);
  }
  return {
    get: (path, init) => ask(path, init),
    post: (path, body, { key, signal } = {}) => ask(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) },
      body: JSON.stringify(body),
      signal,
    }),
  };
}

// problemOf reads a problem. Whatever stands between us and the console may
// answer too, in its own words; then the status has to do.
export function problemOf(status, body) {
  const type = typeof body?.type === 'string' ? body.type : '';
  const kind = type.startsWith('urn:coaching:problem:') ? type.slice(type.lastIndexOf(':') + 1)
    : status === 401 ? 'unauthenticated' : status === 403 ? 'denied' : status >= 502 && status <= 504 ? 'offline' : 'internal';
  return new Problem(kind, { detail: body?.detail ?? '', status, supervision: body?.supervision ?? null });
}

// newKey makes an Idempotency-Key. crypto.randomUUID is for secure contexts alone,
// and a console may be on a plain HTTP intranet.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}
