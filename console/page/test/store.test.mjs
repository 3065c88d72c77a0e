import assert from 'node:assert/strict';
import test from 'node:test';

import { empty, find, gone, put, snapshot } from '../assets/store.js';

const c = (id, version, state = 'active') => ({ id, version, state });
const ids = (state) => [...state.calls.keys()].sort().join(' ');

test('a snapshot replaces all that is live', () => {
  let s = put(empty(), c('a', 1));
  assert.equal(s.ready, false);
  s = snapshot(s, { calls: [c('b', 1), c('c', 1)] });
  assert.equal(s.ready, true);
  assert.equal(ids(s), 'b c');
});

test('a call is put in the place of the older one, never of a newer one', () => {
  let s = snapshot(empty(), { calls: [c('a', 3)] });
  s = put(s, c('a', 2));
  assert.equal(find(s, 'a').version, 3);
  s = put(s, { ...c('a', 3), from: 'again' });
  assert.equal(find(s, 'a').from, 'again', 'the same version may be shown anew');
  s = put(s, c('a', 5));
  assert.equal(find(s, 'a').version, 5);
});

test('an ended call is no longer live and stays readable, and nothing brings it back', () => {
  let s = snapshot(empty(), { calls: [c('a', 3)] });
  s = put(s, c('a', 4, 'ended'));
  assert.equal(ids(s), '');
  assert.equal(find(s, 'a').state, 'ended');
  s = put(s, c('a', 3));
  assert.equal(ids(s), '');
  s = snapshot(s, { calls: [] });
  assert.equal(find(s, 'a').state, 'ended');
});

test('the ended ones that stay are bounded', () => {
  let s = empty();
  for (let i = 0; i < 100; i++) s = put(s, c(`e${i}`, 1, 'ended'));
  assert.equal(s.past.size, 20);
  assert.ok(find(s, 'e99'));
});

test('what is gone is gone, live or over', () => {
  let s = snapshot(empty(), { calls: [c('a', 1), c('b', 1)] });
  s = put(s, c('b', 2, 'ended'));
  s = gone(gone(s, { id: 'a' }), { id: 'b' });
  assert.equal(find(s, 'a') ?? find(s, 'b'), undefined);
});

test('states are not changed in place', () => {
  const s = snapshot(empty(), { calls: [c('a', 1)] });
  put(s, c('b', 1));
  put(s, c('a', 2, 'ended'));
  gone(s, { id: 'a' });
  assert.equal(ids(s), 'a');
});
