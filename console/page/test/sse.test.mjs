import assert from 'node:assert/strict';
import test from 'node:test';

import { parser } from '../assets/sse.js';

const text = 'retry: 2000\nid: s.1\n\nevent: snapshot\nid: s.2\ndata: {"calls":[]}\n\n: ping\n\nevent: call\r\nid: s.3\r\ndata: {"a":1,\r\ndata: "b":2}\r\n\r\ndata:bare\n\nid: s.4\n\nevent: nothing\n\ndata: half';
const want = [
  { type: 'snapshot', data: '{"calls":[]}', id: 's.2' },
  { type: 'call', data: '{"a":1,\n"b":2}', id: 's.3' },
  { type: 'message', data: 'bare', id: 's.3' },
];

test('a stream is taken apart, however it is cut', () => {
  for (let size = 1; size <= text.length; size++) {
    const got = [];
    const feed = parser((e) => got.push(e));
    for (let i = 0; i < text.length; i += size) feed(text.slice(i, i + size));
    assert.deepEqual(got, want, `in pieces of ${size}`);
    assert.equal(feed.lastID(), 's.4', 'an id without data moves it');
  }
});

test('the last id of the stream before holds until a new one comes', () => {
  const got = [];
  const feed = parser((e) => got.push(e.id), 'old.7');
  feed('data: x\n\n');
  assert.deepEqual([got, feed.lastID()], [['old.7'], 'old.7']);
});
