// The calls that the page shows, from the events of the stream. Pure: each
// function returns a new state.

import { customerOf, standing } from './facts.js';

const pastMax = 20;
const calm = 2000; // ms

// empty is the state before the first snapshot.
export function empty() {
  return { ready: false, calls: new Map(), past: new Map(), wary: new Map() };
}

// snapshot replaces all that is live. What is over stays readable.
export function snapshot(state, { calls }) {
  return { ready: true, calls: new Map(calls.map((c) => [c.id, c])), past: state.past, wary: new Map() };
}

// put takes in a call, unless a newer version is known. One that has ended is
// no longer among the live ones. now is the server's time in ms.
export function put(state, call, now) {
  const had = find(state, call.id);
  if (had && had.version > call.version) return state;
  const wary = beware(state.wary, had, now);
  const calls = new Map(state.calls);
  const past = new Map(state.past);
  past.delete(call.id);
  if (call.state === 'ended') {
    calls.delete(call.id);
    past.set(call.id, call);
    while (past.size > pastMax) past.delete(past.keys().next().value);
  } else {
    calls.set(call.id, call);
  }
  return { ...state, calls, past, wary };
}

// gone takes a call away that this viewer may no longer see.
export function gone(state, { id }) {
  const calls = new Map(state.calls);
  const past = new Map(state.past);
  calls.delete(id);
  past.delete(id);
  return { ...state, calls, past };
}

// find returns a call, live or over, or undefined.
export function find(state, id) {
  return state.calls.get(id) ?? state.past.get(id);
}

// beware remembers whom the customer may have heard until now. While requests get
// no answer, what is known changes several times a second; a warning that comes
// and goes as fast would be read by nobody.
function beware(had, call, now) {
  const wary = new Map([...had].filter(([, until]) => until > now));
  for (const sup of call?.supervisions ?? []) {
    if (standing(call, sup, now) === 'unknown') wary.set(`${call.id} ${sup.id}`, now + calm);
  }
  return wary;
}

// cautious is a call as it is shown: for a moment after a doubt the worst case
// stays.
export function cautious(state, call, now) {
  if (!call || state.wary.size === 0) return call;
  const doubted = call.supervisions.filter((s) => s.state === 'joined' && s.want !== 'open' && !s.audible && state.wary.get(`${call.id} ${s.id}`) > now);
  if (doubted.length === 0) return call;
  const customer = customerOf(call);
  return {
    ...call,
    supervisions: call.supervisions.map((s) => (doubted.includes(s) ? { ...s, mode: undefined, audible: true } : s)),
    hears: [...call.hears, ...(customer ? doubted.map((s) => ({ listener: customer.member, speaker: s.member })) : [])],
  };
}
