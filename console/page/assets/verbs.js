// Verbs on their way: what was pressed, what is pending, and what became of it.
//
// A verb that rings a phone may take minutes, and over HTTP/1.1 a browser has six
// connections for all its pages of one host. So no request is held open while a
// phone rings: joins are asked for with no_wait, and of a transfer or a hand
// back the page stops waiting and reads the outcome from the history.
// Taking over a call that one is not in is to join it, and then to take over: like
// the library's own, it is withdrawn where the page goes away before.

import { Problem, newKey } from './api.js';
import { find } from './store.js';
import { over, standing, supervisionOf } from './facts.js';
import { problem, success, verbNames } from './words.js';

const patience = 2500; // with an answer, where the history will tell it too
const retries = [500, 1500, 4000, 8000];
const records = { transfer: 'transfer', 'hand-back': 'hand back' }; // their names in a history

// makeVerbs returns press(), pending(), look() and withdraw(). host has post,
// state() (the store's), me() (the actor), now(), toast(kind, text), changed(),
// denied() and signedOut(). timer and key are the browser's, unless a test has its
// own.
export function makeVerbs(host, { timer = globalThis, key: makeKey = newKey } = {}) {
  const running = new Map(); // key: {verb, call, target}
  const awaited = new Map(); // call/supervisor: what was asked for and has not happened yet
  const followed = new Set(); // verbs whose outcome the history tells

  const keyOf = (verb, call, target = '') => `${call}/${verb}/${target}`;

  // pending reports whether a verb was pressed and has no outcome yet.
  function pending(verb, call, target) {
    return running.has(keyOf(verb, call, target))
      || [...awaited.values()].some((a) => a.verb === verb && a.call === call && a.target === (target ?? ''));
  }

  // press carries a verb out. target is whom it is about: the supervisor, the
  // member, or nobody. who is the name for messages.
  async function press({ verb, call, target = '', body, who = '', mode, agent }) {
    const key = keyOf(verb, call, target);
    if (running.has(key)) return;
    const label = verbNames[verb];
    running.set(key, true);
    host.changed();
    try {
      if (verb === 'add-supervisor' || verb === 'barge') {
        await join({ verb, call, sup: body.supervisor, who, mode: body.mode });
      } else if (verb === 'take-over' && !isIn(call, body.supervisor)) {
        await join({ verb: 'barge', call, sup: body.supervisor, who, mode: 'coach', then: { verb, body } });
      } else {
        await send(verb, call, body);
        host.toast('good', success(verb, who, { mode, agent }));
      }
    } catch (err) {
      failed(label, err, who);
    } finally {
      running.delete(key);
      host.changed();
    }
  }

  function isIn(call, id) {
    const c = find(host.state(), call);
    return c && supervisionOf(c, id)?.state === 'joined';
  }

  function failed(label, err, who) {
    if (!(err instanceof Problem)) throw err;
    if (err.kind === 'unauthenticated') host.signedOut();
    if (err.kind === 'denied') host.denied();
    host.toast(err.kind === 'unknown' ? 'alarm' : 'bad', problem(label, err, who));
  }

  // join asks for a supervisor; look notices when they are in, or not.
  async function join({ verb, call, sup, who, mode, then }) {
    const asked = await send(verb, call, { supervisor: sup, mode, no_wait: true });
    const target = verb === 'barge' ? sup : '';
    awaited.set(`${call}/${sup}`, { verb: then?.verb ?? verb, call, sup, target, who, then, asked: asked.supervision.asked });
    look();
  }

  // send posts a verb, and again with the same key where the connection broke.
  async function send(verb, call, body) {
    const key = makeKey();
    const path = `calls/${encodeURIComponent(call)}/${verb}`;
    const stop = new AbortController();
    const told = records[verb] ? follow(call, records[verb]) : null;
    try {
      const answer = resend(path, body, key, stop.signal);
      if (!told) return await answer;
      answer.catch(() => {}); // where the history is faster
      const first = await Promise.race([answer, told.outcome, told.long]);
      if (first !== tooLong) return first;
      stop.abort();
      return await told.outcome;
    } finally {
      told?.done();
    }
  }

  async function resend(path, body, key, signal) {
    for (let n = 0; ; n++) {
      try {
        return await host.post(path, body, { key, signal });
      } catch (err) {
        if (!(err instanceof Problem) || err.kind !== 'offline' || n === retries.length) throw err;
        await new Promise((done) => { timer.setTimeout(done, retries[n]); });
      }
    }
  }

  // follow waits for the outcome that the history of the call tells.
  function follow(call, name) {
    const seqs = (c) => c?.history.at(-1)?.seq ?? 0;
    const after = seqs(find(host.state(), call));
    const me = host.me();
    let long;
    const f = {};
    f.outcome = new Promise((resolve, reject) => {
      f.look = () => {
        const c = find(host.state(), call);
        if (!c || over(c)) reject(new Problem('call-ended'));
        const r = c?.history.find((x) => x.seq > after && x.actor?.id === me.id && x.actor?.role === me.role
          && (x.kind === 'done' && x.detail === name || x.kind === 'failed' && x.detail?.startsWith(`${name}: `)));
        if (r?.kind === 'done') timer.setTimeout(resolve, 300, null); // the answer may say more
        else if (r) timer.setTimeout(reject, 300, new Problem('failed', { detail: r.detail.slice(name.length + 2) }));
      };
    });
    f.outcome.catch(() => {});
    f.long = new Promise((resolve) => { long = timer.setTimeout(resolve, patience, tooLong); });
    f.done = () => {
      timer.clearTimeout(long);
      followed.delete(f);
    };
    followed.add(f);
    return f;
  }

  // look compares what is awaited with what the calls show now.
  function look() {
    for (const f of followed) f.look();
    for (const [key, a] of awaited) {
      const call = find(host.state(), a.call);
      const sup = call && supervisionOf(call, a.sup);
      if (!call) awaited.delete(key);
      if (!call || !sup || sup.asked < a.asked) continue; // not told yet
      const now = standing(call, sup, host.now());
      if (['ringing', 'joining', 'changing'].includes(now)) continue;
      awaited.delete(key);
      host.changed();
      if (now === 'refused' || now === 'left') {
        host.toast('bad', problem(verbNames[a.verb], new Problem('not-applied', { detail: sup.reason || 'did not come' }), a.who));
      } else if (a.then) {
        press({ verb: a.then.verb, call: a.call, target: a.sup, body: a.then.body, who: a.who });
      } else {
        host.toast(now === 'unknown' ? 'alarm' : 'good', now === 'unknown' ? `The customer may hear ${a.who}.` : success(a.verb, a.who, { mode: sup.mode }));
      }
    }
  }

  // withdraw forgets take-overs that wait for somebody to come in: whoever could
  // not see the call for a while is not to be heard by surprise.
  function withdraw() {
    for (const [key, a] of awaited) if (a.then) awaited.delete(key);
    host.changed();
  }

  return { press, pending, look, withdraw };
}

const tooLong = Symbol('too long');
