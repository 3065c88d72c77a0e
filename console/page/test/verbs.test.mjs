import assert from 'node:assert/strict';
import test from 'node:test';

import { Problem } from '../assets/api.js';
import { empty, put } from '../assets/store.js';
import { makeVerbs } from '../assets/verbs.js';
import { agent, at, call, customer, history, ms, supervision, supervisor } from './calls.mjs';
import { Time, settle } from './time.mjs';

// A host whose server answers as answers says, one after the other: a value, or
// a Problem.
function host(first, answers) {
  const h = { posts: [], toasts: [], out: 0, no: 0, keys: 0, time: new Time(), state: put(empty(), first, ms(100)) };
  h.verbs = makeVerbs({
    post: async (path, body, { key, signal }) => {
      h.posts.push({ path, body, key, signal });
      const a = answers.shift();
      if (a instanceof Promise) return a;
      if (a instanceof Error) throw a;
      return a;
    },
    state: () => h.state, me: () => ({ id: 'lee', role: 'supervisor' }), now: () => ms(100),
    toast: (kind, text) => h.toasts.push(`${kind}: ${text}`), changed: () => {}, signedOut: () => { h.out++; }, denied: () => { h.no++; },
  }, { timer: h.time, key: () => `key ${++h.keys}` });
  h.tell = (c) => {
    h.state = put(h.state, c, ms(100));
    h.verbs.look();
  };
  return h;
}

const id = call().id;
const joins = { verb: 'barge', call: id, target: 'lee', body: { supervisor: 'lee', mode: 'coach' }, who: 'Lee' };
const rings = supervision({ state: 'ringing', member: undefined, mode: undefined, joined: undefined });

test('joining does not hold a request while the phone rings, and tells when they are in', async () => {
  const h = host(call(), [{ supervision: rings }]);
  await h.verbs.press(joins);
  assert.deepEqual(h.posts.map((p) => [p.path, p.body]), [[`calls/${id}/barge`, { supervisor: 'lee', mode: 'coach', no_wait: true }]]);
  assert.equal(h.verbs.pending('barge', id, 'lee'), true, 'it rings');
  h.tell(call({ version: 2, supervisions: [rings] }));
  assert.equal(h.verbs.pending('barge', id, 'lee'), true);
  h.tell(call({ version: 3, supervisions: [supervision()] }));
  assert.equal(h.verbs.pending('barge', id, 'lee'), false);
  assert.deepEqual(h.toasts, ['good: Lee joined, coaching.']);
});

test('or that they are not', async () => {
  const h = host(call({ supervisions: [{ ...rings, asked: at(1), state: 'ended', reason: 'busy' }] }), [{ supervision: rings }]);
  await h.verbs.press(joins);
  assert.deepEqual(h.toasts, [], 'the one before is not meant');
  h.tell(call({ version: 2, supervisions: [{ ...rings, state: 'ended', ended: at(50), reason: 'no answer' }] }));
  assert.deepEqual(h.toasts, ['bad: Join the call: Nothing changed. No answer.']);
});

const takes = { verb: 'take-over', call: id, target: 'lee', body: { supervisor: 'lee', agent: 'mute' }, who: 'Lee' };

test('taking over from outside joins first, and takes over once in', async () => {
  const h = host(call(), [{ supervision: rings }, { supervision: supervision() }]);
  await h.verbs.press(takes);
  assert.equal(h.verbs.pending('take-over', id, 'lee'), true);
  h.tell(call({ version: 2, supervisions: [rings] }));
  h.tell(call({ version: 3, supervisions: [supervision({ mode: undefined })] }));
  assert.equal(h.posts.length, 1, 'not before they are confirmed');
  h.tell(call({ version: 4, supervisions: [supervision()] }));
  await settle();
  assert.deepEqual(h.posts.map((p) => [p.path.split('/')[2], p.body]), [
    ['barge', { supervisor: 'lee', mode: 'coach', no_wait: true }], ['take-over', { supervisor: 'lee', agent: 'mute' }],
  ]);
  assert.deepEqual(h.toasts, ['good: Lee has taken over the call.']);
});

test('withdrawn, they only come in', async () => {
  const h = host(call(), [{ supervision: rings }]);
  await h.verbs.press(takes);
  h.verbs.withdraw();
  h.tell(call({ version: 2, supervisions: [supervision()] }));
  await settle();
  assert.equal(h.posts.length, 1);
  assert.equal(h.verbs.pending('take-over', id, 'lee'), false);
});

test('taking over from inside is one request', async () => {
  const h = host(call({ participants: [customer(), agent('ann'), supervisor('lee')], supervisions: [supervision()] }), [{ supervision: supervision() }]);
  await h.verbs.press(takes);
  assert.deepEqual(h.posts.map((p) => p.path), [`calls/${id}/take-over`]);
});

test('a broken connection is tried again with the same key, another press has another', async () => {
  const h = host(call(), [new Problem('offline'), new Problem('offline'), null, null]);
  const hold = { verb: 'hold', call: id, target: '2', body: { member: '2' }, who: 'Ann' };
  const pressed = h.verbs.press(hold);
  await settle();
  h.verbs.press(hold); // a second press while the first runs
  for (let i = 0; i < 2; i++) {
    await h.time.pass(4000);
    await settle();
  }
  await pressed;
  assert.equal(h.posts.length, 3);
  assert.equal(new Set(h.posts.map((p) => p.key)).size, 1);
  assert.deepEqual(h.toasts, ['good: Ann is on hold.']);
  await h.verbs.press(hold);
  assert.notEqual(h.posts[3].key, h.posts[0].key);
});

test('problems are told, the unknown one loudly', async () => {
  const h = host(call({ supervisions: [supervision()] }), [
    new Problem('unknown', { detail: 'not confirmed in time', supervision: { audible: true } }), new Problem('denied'), new Problem('unauthenticated'),
  ]);
  const mode = { verb: 'set-mode', call: id, target: 'lee coach', body: { supervisor: 'lee', mode: 'coach' }, who: 'Lee', mode: 'coach' };
  await h.verbs.press(takes);
  await h.verbs.press(mode);
  await h.verbs.press(mode);
  assert.deepEqual(h.toasts, [
    'alarm: Take over the call: Nothing shows whether it took effect. Not confirmed in time. The customer may hear Lee.',
    'bad: Change mode: You may not do this.', 'bad: Change mode: You are signed out.',
  ]);
  assert.deepEqual([h.out, h.no], [1, 1]);
});

const moves = { verb: 'transfer', call: id, body: { agents: ['bob'] }, agent: 'Bob' };

test('a transfer that takes long is let go of, and the history tells how it went', async () => {
  const h = host(call({ history: history([1, 'answered']) }), [new Promise(() => {})]);
  const pressed = h.verbs.press(moves);
  await settle();
  await h.time.pass(9000);
  await settle();
  assert.equal(h.posts[0].signal.aborted, true, 'the connection is free again');
  assert.equal(h.verbs.pending('transfer', id), true);
  const own = { actor: { id: 'lee', role: 'supervisor' } };
  h.tell(call({ version: 2, history: history([1, 'answered'], [50, 'failed', { detail: 'transfer: nobody answered', actor: { id: 'ann', role: 'agent' } }]) }));
  await h.time.pass(500);
  await settle();
  assert.equal(h.verbs.pending('transfer', id), true, 'that was another’s');
  h.tell(call({ version: 3, history: history([1, 'answered'], [50, 'left'], [60, 'failed', { detail: 'transfer: nobody answered', ...own }]) }));
  await h.time.pass(500);
  await pressed;
  assert.deepEqual(h.toasts, ['bad: Transfer: Nobody answered.']);
  assert.equal(h.verbs.pending('transfer', id), false);
});

test('a transfer that is quick is answered by the answer', async () => {
  const h = host(call(), [null]);
  await h.verbs.press(moves);
  assert.deepEqual(h.toasts, ['good: The call went to Bob.']);
});

test('the end of the call ends the waiting', async () => {
  const h = host(call(), [new Promise(() => {})]);
  const pressed = h.verbs.press(moves);
  await settle();
  h.tell(call({ version: 2, state: 'ended', end_reason: 'customer' }));
  await pressed;
  assert.deepEqual(h.toasts, ['bad: Transfer: The call is over.']);
});
