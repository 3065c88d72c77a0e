import assert from 'node:assert/strict';
import test from 'node:test';

import { cautious, empty, find, gone, put, snapshot } from '../assets/store.js';
import { agent, call, customer, history, ms, pairs, supervision, supervisor } from './calls.mjs';

const c = (id, version, state = 'active') => ({ id, version, state, supervisions: [] });
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

const trio = (version, sup, more) => call({
  version, participants: [customer(), agent('ann'), supervisor('lee')], hears: pairs(sup.audible ? '1>2 1>3 2>1' : '1>2 2>1'), supervisions: [supervision(sup)], ...more,
});
const doubt = { mode: undefined, want: 'monitor', audible: true };
const settled = { mode: 'monitor', want: 'monitor' };

test('a warning that comes and goes many times a second stays', () => {
  let s = snapshot(empty(), { calls: [trio(1, settled)] });
  let warned = 0;
  for (let i = 0; i < 40; i++) {
    s = put(s, trio(2 + i, i % 2 ? settled : doubt), ms(100 + i / 8));
    const shown = cautious(s, find(s, call().id), ms(100 + i / 8));
    if (shown.supervisions[0].audible && shown.hears.some((h) => h.listener === '1' && h.speaker === '3')) warned++;
  }
  assert.equal(warned, 40);
  assert.equal(find(s, call().id).supervisions[0].audible, false, 'what the server says stays as it is');
  assert.equal(cautious(s, find(s, call().id), ms(106)).supervisions[0].audible, true);
  assert.equal(cautious(s, find(s, call().id), ms(108)).supervisions[0].audible, false, 'two seconds after the last doubt it is over');
});

test('no warning follows a hand back, a join or a take-over', () => {
  for (const [sup, kind] of [[{ ...doubt, want: 'coach' }, 'lowered'], [{ ...doubt, want: 'coach' }, 'joined'], [{ mode: 'open', want: 'open', audible: true }, 'raised']]) {
    let s = snapshot(empty(), { calls: [trio(1, sup, { history: history([99, kind, { supervisor: 'lee' }]) })] });
    s = put(s, trio(2, {}), ms(100));
    assert.equal(cautious(s, find(s, call().id), ms(100)).supervisions[0].audible, false, kind);
  }
});
