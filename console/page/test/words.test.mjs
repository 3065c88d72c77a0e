import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';

import { Problem } from '../assets/api.js';
import { story } from '../assets/story.js';
import { ago, chip, ears, list, namesOf, problem, standingWord } from '../assets/words.js';
import { agent, at, call, customer, history, ms, names, pairs, supervision, supervisor } from './calls.mjs';

test('list', () => {
  for (const [words, want] of [[[], ''], [['a'], 'a'], [['a', 'b'], 'a and b'], [['a', 'b', 'c'], 'a, b and c']]) assert.equal(list(words), want);
});

test('people go by their names, and by ids where they have none', () => {
  const n = namesOf({ agents: [{ id: 'ann', name: 'Ann' }, { id: 'bob', name: '' }], supervisors: [{ id: 'ann', name: 'Ann Lee' }] });
  assert.deepEqual([n.agent('ann'), n.agent('bob'), n.agent('x'), n.supervisor('ann'), n.actor({ id: 'ann', role: 'supervisor' }), n.actor({ id: 'me', role: '' }), n.actor(undefined)],
    ['Ann', 'bob', 'x', 'Ann Lee', 'Ann Lee', 'me', '']);
  assert.equal(namesOf(null).agent('ann'), 'ann');
});

const trio = (sup, more) => call({ participants: [customer(), agent('ann', more), supervisor('lee')], supervisions: [supervision(sup)] });

test('who hears whom, in words', () => {
  const coach = { ...trio({}), hears: pairs('1>2 2>1 2>3 3>1 3>2') };
  assert.deepEqual(ears(coach, names, ms(200)), ['The customer hears Ann.', 'Ann hears the customer and Lee.', 'Lee hears the customer and Ann.']);
  const taken = { ...trio({ mode: 'open', want: 'open', audible: true, took_over: true }, { held: true }), hears: pairs('1>3 3>1') };
  assert.deepEqual(ears(taken, names, ms(200)), ['The customer hears Lee.', 'Ann is on hold and hears music.', 'Lee hears the customer.']);
  const unknown = { ...trio({ mode: undefined, want: 'monitor', audible: true }), hears: pairs('1>2 1>3 2>1') };
  assert.deepEqual(ears(unknown, names, ms(200)), ['The customer hears Ann and may hear Lee.', 'Ann hears the customer.', 'Lee hears nobody.']);
  const joining = { ...unknown, supervisions: [supervision({ mode: undefined, audible: true })], history: history([199, 'joined', { supervisor: 'lee', member: '3' }]) };
  assert.equal(ears(joining, names, ms(200))[0], 'The customer hears Ann.', 'who has just joined is no cause for alarm');
  const alone = { ...unknown, hears: pairs('1>3') };
  assert.equal(ears(alone, names, ms(200))[0], 'The customer may hear Lee.');
  const waiting = call({ state: 'waiting', participants: [customer()], hears: [], customer_hears: 'music', attempts: [{ id: 1, started: at(1), rings: [{ agent: 'bob' }] }] });
  assert.deepEqual(ears(waiting, names, ms(200)), ['The customer hears music.', 'Bob’s phone rings.']);
  for (const hears of ['nothing-yet', 'music', 'silence', 'unknown']) {
    assert.match(ears(call({ participants: [customer()], hears: [], customer_hears: hears }), names, ms(200))[0], /^(The|Whom the) customer .*\.$/);
  }
});

test('how a supervision stands, in words', () => {
  const now = ms(100);
  for (const [sup, words, short] of [
    [{ state: 'ringing' }, 'Ringing…', 'Ringing'],
    [{}, 'Confirmed: coaching', 'Coach'],
    [{ mode: 'monitor', want: 'monitor' }, 'Confirmed: monitoring', 'Monitor'],
    [{ mode: 'open', want: 'open', audible: true }, 'Confirmed: taken over', 'Taken over'],
    [{ mode: undefined, want: 'monitor' }, 'Changing to monitor…', 'Monitor…'],
    [{ mode: 'coach', want: 'open' }, 'Taking over…', 'Taking over…'],
    [{ mode: undefined, want: 'open', audible: true }, 'Taking over… The customer may hear them already', 'Taking over…'],
    [{ mode: undefined, want: 'monitor', audible: true }, 'Unknown: the customer may hear them', 'Unknown'],
    [{ state: 'ended', joined: undefined, reason: 'no answer' }, 'Refused: no answer', 'Refused'],
    [{ state: 'ended' }, 'Left the call', 'Left'],
  ]) {
    assert.equal(standingWord(call(), supervision(sup), now), words);
    assert.equal(chip(call(), supervision(sup), now), short);
  }
});

test('a problem says what is known, and the worst case', () => {
  for (const [kind, more, want] of [
    ['not-applied', { detail: 'no answer' }, 'Join the call: Nothing changed. No answer.'],
    ['unknown', { detail: 'not confirmed in time', supervision: { audible: true } }, 'Join the call: Nothing shows whether it took effect. Not confirmed in time. The customer may hear Lee.'],
    ['conflict', { detail: 'full: 10 are in the call or being rung' }, 'Join the call: Not now. Full: 10 are in the call or being rung.'],
    ['denied', { detail: 'the actor may not do this' }, 'Join the call: You may not do this.'],
    ['call-ended', {}, 'Join the call: The call is over.'],
    ['offline', {}, 'Join the call: The connection broke. If it took effect, the call shows it.'],
    ['something new', { detail: 'who knows' }, 'Join the call: Who knows.'],
    ['something new', {}, 'Join the call: Something went wrong.'],
  ]) assert.equal(problem('Join the call', new Problem(kind, more), 'Lee'), want);
});

test('ago', () => {
  for (const [seconds, want] of [[-1, '0 s'], [12.4, '12 s'], [99, '99 s'], [100, '2 min'], [3600, '60 min'], [7200, '2 h']]) assert.equal(ago(seconds * 1000), want);
});

const told = (c) => story(c, names).map((e) => `${e.text}${e.by ? ` by ${e.by}` : ''}`);
const ann = { actor: { id: 'ann', role: 'agent' } };
const lee = { actor: { id: 'lee', role: 'supervisor' } };

test('the story of a call, newest first', () => {
  const c = call({
    attempts: [{ id: 1, started: at(2), rings: [{ agent: 'ann', outcome: 'answered' }, { agent: 'bob', outcome: 'busy' }] }],
    supervisions: [supervision({ id: 'mia', state: 'ended', joined: undefined, ended: at(35), reason: 'no answer' })],
    history: history(
      [0, 'answered'], [2, 'ringing'], [10, 'joined', { agent: 'ann', member: '2' }], [11, 'reached', { agent: 'ann', member: '2' }],
      [20, 'asked', { supervisor: 'mia', mode: 'coach', ...ann }], [35, 'left', { supervisor: 'mia', detail: 'no answer', ...ann }],
      [35, 'failed', { supervisor: 'mia', detail: 'join: no answer', ...ann }],
      [40, 'asked', { supervisor: 'lee', mode: 'monitor', ...lee }], [45, 'joined', { supervisor: 'lee', member: '3', ...lee }],
      [46, 'done', { supervisor: 'lee', detail: 'join', mode: 'monitor', ...lee }], [50, 'done', { supervisor: 'lee', detail: 'set mode', mode: 'coach', ...lee }],
      [60, 'raised', { supervisor: 'lee', member: '3', mode: 'open', ...lee }], [61, 'done', { supervisor: 'lee', detail: 'take over', mode: 'open', ...lee }],
      [70, 'lowered', { supervisor: 'lee', mode: 'coach', ...lee }], [71, 'done', { supervisor: 'lee', detail: 'hand back', mode: 'coach', ...lee }],
      [80, 'done', { member: '1', detail: 'hold', ...ann }], [90, 'failed', { member: '2', detail: 'mute: no read confirms it', ...lee }],
      [95, 'left', { member: '1', detail: 'left' }], [96, 'ending', { detail: 'customer' }], [97, 'ended', { detail: 'customer' }]),
  });
  assert.deepEqual(told(c).reverse(), [
    'The customer called', 'Rang Ann (answered) and Bob (busy)', 'Ann answered', 'Ann talks with the customer',
    'Ann asked for Mia to coach: the phone rings', 'Mia did not join: no answer',
    'Lee asked to join, to monitor: the phone rings', 'Lee joined, monitoring', 'Lee is coaching',
    'Lee took over: the customer hears Lee', 'Lee hands back: the agent is audible again', 'Lee is coaching again',
    'The customer is on hold by Ann', 'Ann: muting did not work, no read confirms it by Lee',
    'The customer hung up', 'The call is ending: the customer hung up',
  ]);
});

test('kinds that later versions add are told as they are', () => {
  assert.deepEqual(told(call({ history: history([1, 'teleported', { member: '2', detail: 'to the moon' }]) })), ['Teleported, Ann, to the moon']);
});

// What the API really gives, as its own test keeps it.
test('every entry of the console’s golden call is a sentence', () => {
  const golden = JSON.parse(fs.readFileSync(new URL('../../testdata/call.json', import.meta.url), 'utf8'));
  const lines = told(golden);
  assert.ok(lines.length >= 12, `${lines.length} sentences`);
  for (const line of lines) assert.doesNotMatch(line, /undefined|null|\[object|, $|: $/);
  assert.ok(lines.includes('Ann asked for Lee to monitor: the phone rings'), lines.join('\n'));
});
