// The calls that the page shows, from the events of the stream. Pure: each
// function returns a new state.

const pastMax = 20;

// empty is the state before the first snapshot.
export function empty() {
  return { ready: false, calls: new Map(), past: new Map() };
}

// snapshot replaces all that is live. What is over stays readable.
export function snapshot(state, { calls }) {
  return { ready: true, calls: new Map(calls.map((c) => [c.id, c])), past: state.past };
}

// put takes in a call, unless a newer version is known. One that has ended is
// no longer among the live ones.
export function put(state, call) {
  const had = find(state, call.id);
  if (had && had.version > call.version) return state;
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
  return { ...state, calls, past };
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
