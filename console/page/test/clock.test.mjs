import assert from 'node:assert/strict';
import test from 'node:test';

import { Clock, span } from '../assets/clock.js';

test('span', () => {
  for (const [seconds, want] of [[-5, '0:00'], [0, '0:00'], [7.9, '0:07'], [75, '1:15'], [3599, '59:59'], [3723, '1:02:03'], [36000, '10:00:00']]) {
    assert.equal(span(seconds * 1000), want);
  }
});

// A local clock that is an hour and some behind, and a server's Date headers.
test('the server’s time is known to half a second, whatever the local clock says', () => {
  let local = 1_000_000_000;
  const ahead = 3_723_456;
  const clock = new Clock(() => local);
  assert.equal(clock.offset(), 0);
  for (let i = 0; i < 20; i++) {
    local += 1234;
    const sent = local;
    local += 40; // on the way
    const header = new Date(local + ahead).toUTCString(); // whole seconds
    local += 40;
    clock.date(header, sent, local);
    const error = Math.abs(clock.offset() - ahead);
    assert.ok(error <= 540, `after ${i + 1} answers it is wrong by ${error} ms`);
  }
  assert.ok(Math.abs(clock.offset() - ahead) <= 300, 'more answers narrow it');
  assert.equal(clock.now(), local + clock.offset());
});

test('an event cannot be told before it happened', () => {
  const clock = new Clock(() => 50_000);
  clock.event(new Date(80_000).toISOString());
  assert.equal(clock.offset(), 30_000);
  clock.event(new Date(10_000).toISOString());
  assert.equal(clock.offset(), 30_000);
});

test('a clock that was set is believed anew', () => {
  let local = 1_000_000;
  const clock = new Clock(() => local);
  clock.date(new Date(1_000_000).toUTCString(), local, local);
  local += 3_600_000; // somebody set it
  clock.date(new Date(1_002_000).toUTCString(), local, local);
  assert.ok(Math.abs(clock.offset() + 3_598_000 - 500) <= 500, String(clock.offset()));
});

test('what is no date changes nothing', () => {
  const clock = new Clock(() => 5);
  clock.date(null, 1, 2);
  clock.date('soon', 1, 2);
  clock.event(undefined);
  assert.equal(clock.offset(), 0);
});
