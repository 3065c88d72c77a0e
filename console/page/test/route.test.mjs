import assert from 'node:assert/strict';
import test from 'node:test';

import { format, parse } from '../assets/route.js';

test('routes go to and fro', () => {
  for (const [hash, want] of [
    ['', { call: '', q: '', show: 'all' }],
    ['#/', { call: '', q: '', show: 'all' }],
    ['#/calls/cce2848c58ca00000190684b25860afeb6c909a002', { call: 'cce2848c58ca00000190684b25860afeb6c909a002', q: '', show: 'all' }],
    ['#/calls/c0000000000000001?q=ann+lee&show=waiting', { call: 'c0000000000000001', q: 'ann lee', show: 'waiting' }],
    ['#/?q=%26%3D%23', { call: '', q: '&=#', show: 'all' }],
  ]) {
    assert.deepEqual(parse(hash), want);
    assert.deepEqual(parse(format(want)), want);
  }
});

test('what is no route is the wallboard', () => {
  for (const hash of ['#/calls/', '#/calls/short', '#/calls/../../x', '#/calls/c0000000000000001/x', '#nonsense?show=none']) {
    assert.deepEqual(parse(hash), { call: '', q: '', show: 'all' }, hash);
  }
});
