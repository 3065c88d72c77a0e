import assert from 'node:assert/strict';
import test from 'node:test';

import { makePress } from '../assets/press.js';
import { Time } from './time.mjs';

function hand() {
  const target = new EventTarget();
  const time = new Time();
  const press = makePress(target, time);
  const drawn = [];
  return { time, drawn, draw: (what) => press.after(() => drawn.push(what)), does: (kind) => target.dispatchEvent(new Event(kind)) };
}

test('nothing is drawn under a hand, and the last state once it has gone', async () => {
  const h = hand();
  h.draw('before');
  h.does('pointerdown');
  h.draw('pressed');
  h.draw('pressed again');
  await h.time.pass(500);
  assert.deepEqual(h.drawn, ['before']);
  h.does('pointerup');
  assert.deepEqual(h.drawn, ['before'], 'the click is yet to come');
  await h.time.pass(50);
  assert.deepEqual(h.drawn, ['before', 'pressed again']);
  h.draw('after');
  assert.deepEqual(h.drawn, ['before', 'pressed again', 'after']);
});

test('a hand that stays, or whose release is lost, does not stop the page', async () => {
  const h = hand();
  h.does('pointerdown');
  h.draw('pressed');
  await h.time.pass(3000);
  assert.deepEqual(h.drawn, ['pressed']);
  h.draw('still pressed');
  h.does('pointerup');
  h.draw('after');
  assert.deepEqual(h.drawn, ['pressed', 'still pressed', 'after']);
});

test('a scroll on a telephone takes the press back', async () => {
  const h = hand();
  h.does('pointerdown');
  h.draw('pressed');
  h.does('pointercancel');
  await h.time.pass(50);
  assert.deepEqual(h.drawn, ['pressed']);
});
