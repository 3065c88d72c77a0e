// The connection that keeps the page true. It reads the stream by fetch and not
// by EventSource, which hides three things from a page: why the server refuses,
// the pings by which a dead line is noticed, and the line's own silence.

import { problemOf } from './api.js';
import { parser } from './sse.js';

const silence = 25_000; // the server says something every 15 s
const patience = 12_000; // with its first word
const pauses = [500, 1000, 2000, 4000, 5000]; // between tries

const browser = { setTimeout: globalThis.setTimeout.bind(globalThis), clearTimeout: globalThis.clearTimeout.bind(globalThis), now: Date.now };

// connect opens the stream and keeps it open. on has snapshot, call and gone
// (with the data), alive() for every sign of life, up(), down(silent), where silent
// says that the line was dead before it was noticed, and refused() where nobody is
// signed in. The result has retry(), which tries at once, and
// close().
export function connect(on, { fetch = globalThis.fetch.bind(globalThis), timer = browser } = {}) {
  let lastID = '';
  let tries = 0;
  let waiting = null; // for the next try
  let watch = null; // for a sign of life
  let abort = null;
  let closed = false;
  let upSince = 0;
  let silent = false;

  function alive() {
    on.alive();
    expect(silence);
  }

  // expect gives up on a line that says nothing for so long.
  function expect(time) {
    timer.clearTimeout(watch);
    watch = timer.setTimeout(() => {
      silent = true;
      abort?.abort();
    }, time);
  }

  async function open() {
    waiting = null;
    const mine = new AbortController();
    abort = mine;
    silent = false;
    expect(patience);
    try {
      const res = await fetch('api/stream', {
        cache: 'no-store',
        headers: { Accept: 'text/event-stream', ...(lastID ? { 'Last-Event-ID': lastID } : {}) },
        signal: mine.signal,
      });
      if (!res.ok) {
        const problem = problemOf(res.status, await res.json().catch(() => null));
        if (problem.kind === 'unauthenticated') {
          closed = true;
          on.refused();
        }
        throw problem;
      }
      await read(res.body, mine);
    } catch {
      // Whatever it was, the line is down.
    }
    timer.clearTimeout(watch);
    if (abort !== mine || closed) return;
    abort = null;
    if (upSince && timer.now() - upSince > 5000) tries = 0; // a server that lets go at once is not to be hammered
    upSince = 0;
    on.down(silent);
    waiting = timer.setTimeout(open, pauses[Math.min(tries, pauses.length - 1)] * (0.75 + Math.random() / 2));
    tries++;
  }

  async function read(body, mine) {
    const reader = body.getReader();
    const text = new TextDecoder();
    const feed = parser(({ type, data, id }) => {
      if (abort !== mine) return;
      const known = { snapshot: on.snapshot, call: on.call, gone: on.gone }[type];
      known?.(JSON.parse(data));
      lastID = id;
    }, lastID);
    upSince = timer.now();
    alive();
    on.up();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || abort !== mine) return;
      alive();
      feed(text.decode(value, { stream: true }));
      lastID = feed.lastID();
    }
  }

  function retry() {
    if (closed || !waiting) return;
    timer.clearTimeout(waiting);
    tries = 0;
    open();
  }

  open();
  return {
    retry,
    // again drops the line, which may be dead, and opens it anew.
    again: () => (abort ? abort.abort() : retry()),
    close: () => {
      closed = true;
      timer.clearTimeout(waiting);
      timer.clearTimeout(watch);
      abort?.abort();
    },
  };
}
