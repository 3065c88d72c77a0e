import assert from 'node:assert/strict';
import test from 'node:test';

import { makeAPI, problemOf } from '../assets/api.js';

const clock = () => {
  const dates = [];
  return { dates, date: (header) => dates.push(header) };
};

function api(...answers) {
  const asked = [];
  const c = clock();
  const fetch = async (url, init) => {
    asked.push({ url, ...init });
    const a = answers.shift();
    if (a instanceof Error) throw a;
    return a;
  };
  return { ...makeAPI(c, fetch), asked, dates: c.dates };
}

const json = (status, body, type = 'application/json') => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type, Date: 'Thu, 01 Jan 2026 14:00:00 GMT' } });

test('URLs are relative, and every answer tells the time', async () => {
  const a = api(json(200, { calls: [] }), new Response(null, { status: 204 }));
  assert.deepEqual(await a.get('calls'), { calls: [] });
  assert.equal(await a.post('calls/x/end', {}, { key: 'k' }), null);
  assert.deepEqual(a.asked.map((x) => x.url), ['api/calls', 'api/calls/x/end']);
  assert.deepEqual(a.dates, ['Thu, 01 Jan 2026 14:00:00 GMT', null]);
  const post = a.asked[1];
  assert.deepEqual([post.method, post.body, post.headers], ['POST', '{}', { 'Content-Type': 'application/json', 'Idempotency-Key': 'k' }]);
});

test('a problem is thrown with all it says', async () => {
  const sup = { id: 'lee', audible: true };
  const a = api(json(504, { type: 'urn:coaching:problem:unknown', title: 't', status: 504, detail: 'd', supervision: sup }, 'application/problem+json'));
  await assert.rejects(a.post('x', {}), (err) => {
    assert.deepEqual([err.kind, err.detail, err.status, err.supervision], ['unknown', 'd', 504, sup]);
    return true;
  });
});

test('no answer, or half of one, is offline', async () => {
  const cut = new Response(new ReadableStream({ start: (c) => c.error(new Error('cut')) }), { status: 200 });
  const a = api(new TypeError('network'), cut);
  await assert.rejects(a.get('me'), { kind: 'offline' });
  await assert.rejects(a.get('me'), { kind: 'offline' });
});

test('answers of whatever stands between are read by their status', () => {
  for (const [status, body, want] of [
    [401, null, 'unauthenticated'], [403, { message: 'no' }, 'denied'], [502, null, 'offline'], [503, null, 'offline'], [504, null, 'offline'],
    [500, null, 'internal'], [404, { type: 'about:blank' }, 'internal'], [503, { type: 'urn:coaching:problem:not-running' }, 'not-running'],
  ]) assert.equal(problemOf(status, body).kind, want, `${status} ${JSON.stringify(body)}`);
});
