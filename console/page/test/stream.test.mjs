import assert from 'node:assert/strict';
import test from 'node:test';

import { connect } from '../assets/stream.js';
import { Time, settle } from './time.mjs';

// A server answers each request for the stream as the test says.
function server() {
  const asked = [];
  const fetch = (url, { headers, signal }) => new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
    let body;
    asked.push({
      url, last: headers['Last-Event-ID'] ?? '', signal,
      answer: (status = 200, text = '') => {
        const stream = new ReadableStream({ start: (c) => { body = c; signal.addEventListener('abort', () => { try { c.error(new Error('aborted')); } catch { /* is over */ } }); } });
        resolve(new Response(status === 200 ? stream : text, { status }));
      },
      say: (text) => body.enqueue(new TextEncoder().encode(text)),
      end: () => body.close(),
      break: () => { try { body.error(new Error('cut')); } catch { reject(new Error('cut')); } },
      refuse: () => reject(new TypeError('network')),
    });
  });
  return { asked, fetch };
}

function page(s) {
  const seen = [];
  const time = new Time();
  const note = (name) => (data) => seen.push(data === undefined ? name : `${name} ${JSON.stringify(data)}`);
  const line = connect({ snapshot: note('snapshot'), call: note('call'), gone: note('gone'), up: note('up'), down: (silent) => seen.push(silent ? 'down, silently' : 'down'), refused: note('refused'), alive: () => {} },
    { fetch: s.fetch, timer: time });
  return { seen, line, time };
}

test('events arrive, and a broken stream goes on from the last one', async () => {
  const s = server();
  const { seen, line, time } = page(s);
  s.asked[0].answer();
  await settle();
  s.asked[0].say('event: snapshot\nid: a.1\ndata: {"calls":[]}\n\nevent: gone\nid: a.2\ndata: {"id":"x"}\n\nid: a.3\n\n');
  await settle();
  assert.deepEqual(seen, ['up', 'snapshot {"calls":[]}', 'gone {"id":"x"}']);
  s.asked[0].break();
  await settle();
  await time.pass(1000);
  assert.equal(s.asked.length, 2);
  assert.equal(s.asked[1].last, 'a.3');
  s.asked[1].answer();
  await settle();
  assert.deepEqual(seen.slice(3), ['down', 'up']);
  line.close();
});

test('half a last event is not taken for received', async () => {
  const s = server();
  const { line, time } = page(s);
  s.asked[0].answer();
  await settle();
  s.asked[0].say('event: call\nid: a.1\ndata: {}\n\nevent: call\nid: a.2\nda');
  await settle();
  s.asked[0].break();
  await settle();
  await time.pass(1000);
  assert.equal(s.asked[1].last, 'a.1');
  line.close();
});

test('silence is a dead line, a ping is not', async () => {
  const s = server();
  const { seen, line, time } = page(s);
  s.asked[0].answer();
  await settle();
  for (let i = 0; i < 6; i++) {
    await time.pass(15_000);
    s.asked[0].say(': ping\n\n');
    await settle();
  }
  assert.deepEqual(seen, ['up']);
  await time.pass(26_000);
  await settle();
  assert.deepEqual(seen, ['up', 'down, silently']);
  assert.equal(s.asked[0].signal.aborted, true);
  line.close();
});

test('a server that does not answer is given up and asked again', async () => {
  const s = server();
  const { line, time } = page(s);
  await time.pass(12_000);
  await settle();
  assert.equal(s.asked[0].signal.aborted, true);
  await time.pass(1000);
  assert.equal(s.asked.length, 2);
  line.close();
});

test('tries again ever more slowly, and at once when told', async () => {
  const s = server();
  const { line, time } = page(s);
  const waits = [];
  for (let i = 0; i < 7; i++) {
    s.asked.at(-1).refuse();
    await settle();
    const from = time.now();
    const n = s.asked.length;
    while (s.asked.length === n) await time.pass(50);
    waits.push(time.now() - from);
  }
  assert.ok(waits[0] <= 700 && waits[3] >= 3000 && Math.max(...waits) <= 6_300, waits.join(' '));
  s.asked.at(-1).refuse();
  await settle();
  const n = s.asked.length;
  line.retry();
  assert.equal(s.asked.length, n + 1);
  line.retry();
  assert.equal(s.asked.length, n + 1, 'one try at a time');
  line.close();
});

test('a server that lets go at once is not hammered', async () => {
  const s = server();
  const { line, time } = page(s);
  for (let i = 0; i < 20; i++) {
    s.asked.at(-1).answer();
    await settle();
    s.asked.at(-1).end();
    await settle();
    await time.pass(1000);
  }
  assert.ok(s.asked.length < 8, `${s.asked.length} requests in 20 s`);
  line.close();
});

test('nobody signed in: it says so and stops', async () => {
  const s = server();
  const { seen, time } = page(s);
  s.asked[0].answer(401, '{"type":"urn:coaching:problem:unauthenticated"}');
  await settle();
  await time.pass(60_000);
  await settle();
  assert.deepEqual(seen, ['refused']);
  assert.equal(s.asked.length, 1);
});

test('any other refusal is tried again', async () => {
  const s = server();
  const { seen, line, time } = page(s);
  s.asked[0].answer(503, 'busy');
  await settle();
  await time.pass(1000);
  assert.equal(s.asked.length, 2);
  assert.deepEqual(seen, ['down']);
  line.close();
});

test('closed is closed', async () => {
  const s = server();
  const { seen, line, time } = page(s);
  s.asked[0].answer();
  await settle();
  line.close();
  await settle();
  await time.pass(60_000);
  assert.deepEqual([seen, s.asked.length], [['up'], 1]);
});
