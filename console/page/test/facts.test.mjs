import assert from 'node:assert/strict';
import test from 'node:test';

import { byUrgency, closed, isCoached, isWaiting, matches, onlyVoice, personKey, phase, ringing, standing } from '../assets/facts.js';
import { agent, at, call, customer, history, ms, names, pairs, supervision, supervisor } from './calls.mjs';

const pending = [{ id: 1, started: at(5), rings: [{ agent: 'ann', outcome: 'pending' }, { agent: 'bob', outcome: 'busy' }, { agent: 'cay' }] }];

test('phase', () => {
  for (const [want, since, c] of [
    ['connecting', 0, call({ state: 'answered', participants: [], hears: [], customer_hears: 'nothing-yet' })],
    ['waiting', 0, call({ state: 'waiting', participants: [customer()], hears: [], customer_hears: 'music' })],
    ['ringing', 0, call({ state: 'waiting', participants: [customer()], hears: [], customer_hears: 'music', attempts: pending })],
    ['talking', 20, call()],
    ['talking', 20, call({ attempts: pending })],
    ['hold', 50, call({ participants: [customer({ held: true }), agent('ann')], hears: [], customer_hears: 'music', history: history([50, 'done', { detail: 'hold', member: '1' }]) })],
    ['hold', 20, call({ participants: [customer({ held: true }), agent('ann')], hears: [], customer_hears: 'music' })],
    ['waiting', 60, call({ participants: [customer({ held: true }), agent('ann', { left: at(59) })], hears: [], customer_hears: 'music', history: history([60, 'lost']) })],
    ['ringing', 60, call({ participants: [customer({ held: true })], hears: [], customer_hears: 'music', attempts: pending, history: history([60, 'lost']) })],
    ['quiet', 20, call({ hears: [], customer_hears: 'unknown' })],
    ['ending', 70, call({ end_reason: 'host', history: history([70, 'ending', { detail: 'host' }]) })],
    ['ended', 80, call({ state: 'ended', end_reason: 'host', ended: at(80) })],
  ]) assert.deepEqual(phase(c), { name: want, since: at(since) });
});

test('ringing names those whose phones ring in the attempt under way', () => {
  assert.deepEqual(ringing(call({ attempts: pending })), ['ann', 'cay']);
  assert.deepEqual(ringing(call({ attempts: [{ ...pending[0], ended: at(9) }] })), []);
  assert.deepEqual(ringing(call({ state: 'ended', attempts: pending })), []);
});

test('standing', () => {
  const lowered = history([100, 'lowered', { supervisor: 'lee', mode: 'coach' }]);
  const failed = history([100, 'lowered', { supervisor: 'lee' }], [101, 'failed', { supervisor: 'lee', detail: 'hand back: not confirmed' }]);
  for (const [want, s, records = [], now = 104] of [
    ['ringing', { state: 'ringing', mode: undefined, joined: undefined }],
    ['confirmed', {}],
    ['confirmed', { mode: 'monitor', want: 'monitor' }],
    ['confirmed', { mode: 'open', want: 'open', audible: true, took_over: true }],
    ['changing', { mode: undefined, want: 'monitor' }],
    ['changing', { mode: 'coach', want: 'monitor' }],
    ['raising', { mode: 'coach', want: 'open' }],
    ['raising', { mode: undefined, want: 'open', audible: true }],
    ['unknown', { mode: undefined, want: 'monitor', audible: true }],
    ['unknown', { mode: 'open', want: 'coach', audible: true }],
    ['changing', { mode: undefined, want: 'coach', audible: true }, lowered],
    ['unknown', { mode: undefined, want: 'coach', audible: true }, lowered, 109],
    ['unknown', { mode: undefined, want: 'coach', audible: true }, failed],
    ['joining', { mode: undefined, audible: true }, history([100, 'asked', { supervisor: 'lee' }], [101, 'joined', { supervisor: 'lee', member: '3' }])],
    ['unknown', { mode: undefined, audible: true }, history([101, 'joined', { supervisor: 'lee', member: '3' }]), 110],
    ['unknown', { mode: 'open', want: 'coach', audible: true }, history([101, 'joined', { supervisor: 'lee', member: '3' }])],
    ['unknown', { mode: undefined, audible: true }, history([101, 'joined', { supervisor: 'lee' }], [102, 'failed', { supervisor: 'lee', detail: 'join: x' }])],
    ['refused', { state: 'ended', joined: undefined, reason: 'no answer' }],
    ['left', { state: 'ended', reason: 'asked to leave' }],
  ]) assert.equal(standing(call({ history: records }), supervision(s), ms(now)), want, JSON.stringify(s));
});

test('the longest waiting come first, then the oldest', () => {
  const waits = (id, seconds) => call({ id, state: 'waiting', created: at(seconds), participants: [customer()], hears: [], customer_hears: 'music' });
  const calls = [call({ id: 'old', created: at(-500) }), waits('short', 90), call({ id: 'new', created: at(50) }), waits('long', 10)];
  assert.deepEqual(byUrgency(calls).map((c) => c.id), ['long', 'short', 'old', 'new']);
  assert.deepEqual(calls.map((c) => c.id), ['old', 'short', 'new', 'long']);
  assert.deepEqual(calls.map(isWaiting), [false, true, false, true]);
});

test('coached is with a supervisor in it or on the way', () => {
  assert.equal(isCoached(call()), false);
  assert.equal(isCoached(call({ supervisions: [supervision({ state: 'ringing' })] })), true);
  assert.equal(isCoached(call({ supervisions: [supervision({ state: 'ended' })] })), false);
});

test('closed has the latest of each who is not in the call', () => {
  const c = call({ supervisions: [
    supervision({ id: 'mia', state: 'ended', reason: 'busy' }), supervision({ id: 'lee', state: 'ended' }),
    supervision({ id: 'mia', state: 'ended', reason: 'no answer' }), supervision({ id: 'lee' }),
  ] });
  assert.deepEqual(closed(c).map((s) => `${s.id} ${s.reason}`), ['mia no answer']);
});

test('persons have keys, the first customer and adopted ones too', () => {
  const c = call({ participants: [customer(), customer({ member: '9' }), agent('ann'), supervisor('lee'), agent(undefined, { member: '7' })] });
  assert.deepEqual(c.participants.map((p) => personKey(c, p)), ['customer', 'customer:9', 'agent:ann', 'supervisor:lee', 'agent:7']);
});

test('the only voice', () => {
  const two = call({ participants: [customer(), agent('ann'), supervisor('lee')], hears: pairs('1>2 1>3 2>1') });
  assert.equal(onlyVoice(call(), call().participants[1]), true);
  assert.equal(onlyVoice(two, two.participants[1]), false);
});

test('a query matches numbers, people by id and name, and data; all its words', () => {
  const c = call({ data: { order: 'AB-4711' }, supervisions: [supervision()] });
  for (const [query, want] of [['', true], ['  ', true], ['0123', true], ['ANN', true], ['lee ann', true], ['ab-47', true], ['bob', false], ['lee bob', false]]) {
    assert.equal(matches(c, query, names), want, query);
  }
});
