// What the viewer may do with a call, as the server says. It is asked again when
// the people of the call change, after a moment; until then the last answer holds.

import { open } from './facts.js';

const pause = 150; // ms

// makeMay returns ask(call), which sees to it that the answers are fresh, and
// may(call, op, supervisor, mode). host has get, self(), changed() and
// failed(err).
export function makeMay(host, clock = globalThis) {
  let about = ''; // the call that the answers are about
  let asked = ''; // what they depend on
  let answers = new Map(); // "supervisor mode" to a set of ops
  let timer = null;

  const keyOf = (supervisor, mode) => `${supervisor} ${mode}`;

  function signature(call) {
    return JSON.stringify([
      host.self(), call.id, call.state, call.end_reason ?? '', call.participants.map((p) => [p.member, Boolean(p.left)]),
      call.supervisions.map((s) => [s.id, s.state, s.want, s.took_over]),
    ]);
  }

  function ask(call, again = false) {
    if (about !== call.id) {
      answers = new Map();
      about = call.id;
      asked = '';
      clock.clearTimeout(timer);
    }
    const now = signature(call);
    if (asked === now && !again) return;
    const first = asked === '';
    asked = now;
    clock.clearTimeout(timer);
    timer = clock.setTimeout(load, first ? 0 : pause, call, now);
  }

  async function load(call, now) {
    const self = host.self();
    const others = [...new Set(open(call).map((s) => s.id))].filter((id) => id !== self);
    const questions = ['', ...(self ? [self] : [])].flatMap((id) => [[id, 'coach'], [id, 'monitor']]).concat(others.map((id) => [id, 'coach']));
    try {
      const entries = await Promise.all(questions.map(async ([supervisor, mode]) => {
        const params = new URLSearchParams({ ...(supervisor ? { supervisor } : {}), mode });
        const { may } = await host.get(`calls/${encodeURIComponent(call.id)}/may?${params}`);
        return [keyOf(supervisor, mode), new Set(may)];
      }));
      if (asked !== now) return;
      answers = new Map(entries);
      host.changed();
    } catch (err) {
      if (asked === now) asked = ' '; // once more with the next change
      host.failed(err);
    }
  }

  return {
    ask,
    asking: () => answers.size === 0,
    may: (call, op, supervisor = '', mode = '') => {
      if (about !== call.id) return false;
      const said = ['coach', 'monitor'].filter((m) => answers.has(keyOf(supervisor, m)));
      return said.some((m) => (!mode || !said.includes(mode) || m === mode) && answers.get(keyOf(supervisor, m)).has(op));
    },
  };
}
