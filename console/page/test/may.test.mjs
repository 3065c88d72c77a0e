import assert from 'node:assert/strict';
import test from 'node:test';

import { makeMay } from '../assets/may.js';
import { call, supervision } from './calls.mjs';
import { Time } from './time.mjs';

function host(self, answer) {
  const h = { asked: [], failures: 0, time: new Time() };
  h.may = makeMay({
    self: () => self, changed: () => {}, failed: () => { h.failures++; },
    get: async (path) => {
      const { searchParams } = new URL(path, 'http://x');
      const who = searchParams.get('supervisor') ?? '';
      h.asked.push(`${who} ${searchParams.get('mode')}`.trim());
      return { may: answer(who, searchParams.get('mode')) };
    },
  }, h.time);
  return h;
}

test('each mode is asked for on its own: some may only monitor', async () => {
  const h = host('lee', (who, mode) => (who === 'lee' && mode === 'monitor' ? ['Barge'] : ['Hold']));
  h.may.ask(call());
  assert.equal(h.may.may(call(), 'Barge', 'lee'), false, 'nothing before the answer');
  await h.time.pass(1);
  assert.deepEqual(h.asked, ['coach', 'monitor', 'lee coach', 'lee monitor']);
  assert.deepEqual(['coach', 'monitor', ''].map((m) => h.may.may(call(), 'Barge', 'lee', m)), [false, true, true]);
  assert.equal(h.may.may(call(), 'Hold'), true);
  assert.equal(h.may.may(call(), 'TakeOver', 'lee'), false);
});

test('asked again when people change, after a moment and once; not for mere versions', async () => {
  const h = host('', () => ['End']);
  h.may.ask(call());
  await h.time.pass(1);
  h.may.ask(call({ version: 2 }));
  await h.time.pass(1000);
  assert.equal(h.asked.length, 2);
  h.may.ask(call({ version: 3, supervisions: [supervision({ state: 'ringing' })] }));
  await h.time.pass(50);
  h.may.ask(call({ version: 4, supervisions: [supervision()] }));
  assert.equal(h.may.may(call(), 'End'), true, 'the last answer holds meanwhile');
  await h.time.pass(1000);
  assert.deepEqual(h.asked.slice(2), ['coach', 'monitor', 'lee coach']);
  assert.equal(h.may.may(call(), 'End', 'lee', 'monitor'), true, 'of others one answer stands for both modes');
});

test('another call is asked about at once, and the first one’s answers are not its', async () => {
  const h = host('', () => ['End']);
  h.may.ask(call());
  await h.time.pass(1);
  const other = call({ id: 'c0000000000000002' });
  h.may.ask(other);
  assert.equal(h.may.may(other, 'End'), false);
  assert.equal(h.may.may(call(), 'End'), false);
  await h.time.pass(1);
  assert.equal(h.may.may(other, 'End'), true);
});

test('a failure keeps the answers and asks once more with the next change', async () => {
  let fail = false;
  const h = host('', () => {
    if (fail) throw new Error('no');
    return ['End'];
  });
  h.may.ask(call());
  await h.time.pass(1);
  fail = true;
  const later = call({ state: 'waiting' });
  h.may.ask(later);
  await h.time.pass(1000);
  assert.equal(h.failures, 1);
  assert.equal(h.may.may(later, 'End'), true);
  fail = false;
  const n = h.asked.length;
  h.may.ask(later);
  await h.time.pass(1000);
  assert.equal(h.asked.length, n + 2);
});
