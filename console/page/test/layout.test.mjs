import assert from 'node:assert/strict';
import test from 'node:test';

import { cast, layout, music, short, voices } from '../assets/layout.js';
import { agent, at, call, customer, ms, names, pairs, supervision, supervisor } from './calls.mjs';

const now = ms(100);
const picture = (c, width = 600) => layout(cast(c, names, now), voices(c, now), music(c), width);

test('the cast, and what stands beside each', () => {
  const c = call({
    participants: [customer({ held: true }), agent('ann', { muted: true }), agent('bob', { member: '4', left: at(50) }), supervisor('lee')],
    hears: [], customer_hears: 'music', supervisions: [supervision({ mode: 'monitor', want: 'monitor' }), supervision({ id: 'mia', state: 'ringing', member: undefined })],
    attempts: [{ id: 1, started: at(60), rings: [{ agent: 'cay', outcome: 'pending' }] }],
  });
  assert.deepEqual(cast(c, names, now).map((p) => `${p.key}${p.ghost ? ' (ghost)' : ''}: ${p.note}`), [
    'customer: on hold ♪', 'supervisor:lee: listening', 'supervisor:mia (ghost): ringing…', 'agent:ann: muted', 'agent:cay (ghost): ringing…',
  ]);
  assert.deepEqual(music(c), ['customer']);
});

test('notes of supervisors', () => {
  for (const [sup, note, tone] of [
    [{}, 'coaching', ''], [{ mode: 'open', want: 'open', audible: true }, 'taken over', ''], [{ mode: undefined, want: 'monitor' }, 'changing…', ''],
    [{ mode: undefined, want: 'open' }, 'taking over…', ''], [{ mode: undefined, want: 'monitor', audible: true }, 'may be heard', 'alarm'],
  ]) {
    const lee = cast(call({ participants: [customer(), agent('ann'), supervisor('lee')], supervisions: [supervision(sup)] }), names, now).find((p) => p.role === 'supervisor');
    assert.deepEqual([lee.note, lee.tone], [note, tone]);
  }
});

test('a customer who is not in the call yet is on the way', () => {
  assert.deepEqual(cast(call({ state: 'answered', participants: [], hears: [] }), names, now).map((p) => [p.key, p.ghost]), [['customer', true]]);
});

test('nobody is in a call that is over', () => {
  assert.deepEqual(cast(call({ state: 'ended' }), names, now), []);
});

test('arrows go from a voice to the ear that hears it', () => {
  const { arrows, nodes } = picture(call());
  assert.deepEqual(arrows.map((a) => `${a.listener}>${a.speaker} ${a.role}`).sort(), ['agent:ann>customer customer', 'customer>agent:ann agent']);
  const [c, a] = ['customer', 'agent:ann'].map((k) => nodes.find((p) => p.key === k));
  const toCustomer = arrows.find((x) => x.listener === 'customer');
  assert.ok(Math.abs(toCustomer.x1 - a.x) < Math.abs(toCustomer.x1 - c.x), 'it begins at the voice');
});

test('doubt marks a voice that the customer only may hear', () => {
  const c = (sup) => call({ participants: [customer(), agent('ann'), supervisor('lee')], hears: pairs('1>2 1>3 2>3'), supervisions: [supervision(sup)] });
  const doubts = (sup) => voices(c(sup), now).filter((a) => a.doubt).map((a) => `${a.listener}>${a.speaker} ${a.doubt}`);
  assert.deepEqual(doubts({ mode: 'open', want: 'open', audible: true }), []);
  assert.deepEqual(doubts({ mode: undefined, want: 'open', audible: true }), ['customer>supervisor:lee settling']);
  assert.deepEqual(doubts({ mode: undefined, want: 'monitor', audible: true }), ['customer>supervisor:lee may']);
});

// crowd makes a call of that many customers, agents and supervisors, who coach,
// or have all taken over.
function crowd(customers, agents, supervisors, open = false) {
  let n = 0;
  const member = () => String(++n);
  const participants = [
    ...Array.from({ length: customers }, () => customer({ member: member() })),
    ...Array.from({ length: agents }, (_, i) => agent(`agent${i}`, { member: member() })),
    ...Array.from({ length: supervisors }, (_, i) => supervisor(`super${i}`, { member: member() })),
  ];
  const hears = (l, s) => s !== l && (open || s.role !== 'supervisor' || l.role === 'agent');
  const all = participants.flatMap((l) => participants.filter((s) => hears(l, s)).map((s) => `${l.member}>${s.member}`)).join(' ');
  return call({ participants, hears: pairs(all), supervisions: participants.filter((p) => p.role === 'supervisor').map((p) => supervision({ id: p.supervisor, member: p.member })) });
}

// Up to the ten that a call can have, on a phone and on a desk: circles keep
// apart and inside, and no arrow runs through somebody who is not meant.
test('every company has a clear picture', () => {
  let pictures = 0;
  for (const [width, open] of [[326, false], [358, false], [520, false], [640, false], [520, true], [1200, true]]) {
    for (let c = 1; c <= 3; c++) {
      for (let a = 0; a <= 9; a++) {
        for (let s = 0; c + a + s <= 10; s++) {
          const pic = picture(crowd(c, a, s, open), width);
          const where = `${c} customers, ${a} agents, ${s} supervisors, ${width} px`;
          pictures++;
          assert.ok(pic.width <= width, where);
          assert.equal(pic.nodes.length, c + a + s, where);
          for (const p of pic.nodes) {
            assert.ok(p.x - p.r >= 0 && p.x + p.r <= pic.width && p.y - p.r >= 0 && p.y + p.r <= pic.height, `${where}: ${p.key} is outside`);
            for (const q of pic.nodes) if (p !== q) assert.ok(Math.hypot(p.x - q.x, p.y - q.y) > p.r + q.r + 8, `${where}: ${p.key} touches ${q.key}`);
          }
          for (const arrow of pic.arrows) {
            for (const p of pic.nodes) {
              if (p.key === arrow.listener || p.key === arrow.speaker) continue;
              assert.ok(distance(p, arrow) > p.r, `${where}: ${arrow.speaker} to ${arrow.listener} runs through ${p.key}`);
            }
          }
        }
      }
    }
  }
  assert.ok(pictures > 500, `${pictures} pictures`);
});

// distance of a circle's centre from an arrow's line.
function distance(p, { x1, y1, x2, y2 }) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const t = Math.max(0, Math.min(1, ((p.x - x1) * dx + (p.y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(p.x - x1 - t * dx, p.y - y1 - t * dy);
}

test('customers stand left of agents, supervisors above', () => {
  const { nodes } = picture(crowd(1, 1, 1));
  const [c, s, a] = ['customer', 'supervisor', 'agent'].map((role) => nodes.find((p) => p.role === role));
  assert.ok(c.x < s.x && s.x < a.x && s.y < c.y && c.y === a.y, JSON.stringify(nodes));
});

test('short cuts by letters, not by halves of them', () => {
  assert.equal(short('Ann', 8), 'Ann');
  assert.equal(short('Alexandra', 5), 'Alex…');
  assert.equal(short('😀😀😀😀', 3), '😀😀…');
});
