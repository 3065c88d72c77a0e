// The page: agents and supervisors look at it all day. This file wires the parts
// together; what is shown derives from the server's state and the URL alone, so a
// reload shows the same.
//
// # For tests in a browser
//
// These attributes stay as they are. [name] is data-testid="name".
//
//	[page]              data-connection live, lost (no stream), off (for 10 s: controls are disabled), out (signed out)
//	[banner]            while the connection is broken; [signed-out] with [reload]
//	[wallboard]         [filter]; [show-all], [show-waiting], [show-coached] with aria-pressed; [calls]; [empty] with [clear-filter]
//	  [calls] > *       a row: data-call (id), data-phase (connecting, waiting, ringing, talking, hold, quiet, ending), data-open on the chosen one
//	  .chip             a supervision: data-standing (below), data-mode
//	[call]              the open call: data-call, data-phase, data-state; [back], [loading], [no-call], [ended]
//	[phase] [duration] [talking]
//	[actions]           [own-supervision] with [then] while a take-over waits for the phone, [own-voice], [join] with [join-coach], [join-monitor]
//	button[data-verb]   add-supervisor, barge, take-over, hand-back, hand-back-to, set-mode (data-mode), leave, hold, resume, mute,
//	                    unmute, remove, transfer, end; data-target is the supervisor or the member; aria-busy while it runs;
//	                    aria-haspopup="dialog" on those that open a panel first; aria-disabled with a title that says why not now
//	[panel]             data-panel "verb" or "verb target"; [confirm], [cancel]; radios [part-mute], [supervisor-lee], [agent-bob], [to-bob],
//	                    [mode-coach], checkbox [farewell], text [field-supervisor], [field-agent]
//	[diagram]           g[data-person] with data-role, data-ghost, data-note, data-tone; g[data-hears="listener>speaker"] with data-doubt
//	                    (may, settling) where it is not confirmed; persons are customer, agent:ann, supervisor:lee. [customer-hears], [ears] in words
//	[supervisions]      li[data-supervision] with data-standing (ringing, joining, confirmed, changing, raising, unknown, refused, left), data-mode,
//	                    data-want, data-audible; [standing] in words
//	[participants]      customers and agents: li[data-person] with data-member, data-muted, data-held
//	[timeline]          li[data-kind]; [data]
//	[toast]             data-kind good, bad, alarm

import { makeAPI } from './api.js';
import { callview } from './callview.js';
import { Clock, span } from './clock.js';
import { h, render } from './dom.js';
import { isWaiting, open } from './facts.js';
import { makeMay } from './may.js';
import { makePress } from './press.js';
import { format, parse } from './route.js';
import { cautious, empty, find, gone, put, snapshot } from './store.js';
import { connect } from './stream.js';
import { makeToasts } from './toasts.js';
import { makeVerbs } from './verbs.js';
import { wallboard } from './wallboard.js';
import { ago, ears, namesOf } from './words.js';

const offAfter = 10_000; // without connection: controls are disabled
const calm = 1200; // before the words of the picture are read out
const wide = matchMedia('(min-width: 68rem)');

const root = document.getElementById('app');
const clock = new Clock();
const api = makeAPI(clock);
const toast = makeToasts(document.getElementById('toasts'));
const press = makePress(document);

let state = empty();
let me = null;
let names = namesOf(null);
let route = parse(location.hash);
let line = { up: false, since: Date.now(), alive: Date.now(), ever: false, out: false };
let missing = null; // {id, title, text}: why the open call cannot be shown
let panel = null; // {id, …what was chosen}
let opener = null; // the button behind it
let joinMode = 'coach';
let width = 520; // of the picture
let stream = null;

const verbs = makeVerbs({
  post: api.post, state: () => state, me: () => me.actor, now: () => clock.now(), toast, changed: draw, signedOut,
  denied: () => {
    const call = state.calls.get(route.call);
    if (call) may.ask(call, true);
  },
});
const may = makeMay({ get: api.get, self, changed: draw, failed: (err) => { if (err.kind === 'unauthenticated') signedOut(); } });

// self is the viewer as a supervisor, "" if they are none.
function self() {
  if (!me) return '';
  const { id, role } = me.actor;
  return role === 'supervisor' || me.people.supervisors.some((p) => p.id === id) && role !== 'agent' ? id : '';
}

function signedOut() {
  line.out = true;
  stream?.close();
  draw();
}

// offline reports whether the connection has been gone for too long to act.
function offline() {
  return !line.up && Date.now() - line.since >= offAfter;
}

function lost(silent) {
  if (!line.up) return;
  line = { ...line, up: false, since: silent ? line.alive : Date.now() };
  draw();
}

const on = {
  alive: () => { line.alive = Date.now(); },
  up: () => {
    if (line.ever) resync();
    line = { ...line, up: true, ever: true, since: Date.now() };
    draw();
  },
  down: lost,
  refused: signedOut,
  snapshot: (data) => take(snapshot(state, data)),
  call: (call) => {
    clock.event(call.history.at(-1)?.at);
    take(put(state, call, clock.now()));
  },
  gone: (data) => take(gone(state, data)),
};

function take(next) {
  state = next;
  verbs.look();
  draw();
}

// resync asks anew for what the stream does not tell: who is there to choose, and
// the server's time.
async function resync() {
  try {
    me = await api.get('me');
    names = namesOf(me.people);
    document.documentElement.dataset.role = me.actor.role;
    draw();
  } catch (err) {
    if (err.kind === 'unauthenticated') signedOut();
    else if (!me) setTimeout(resync, 3000);
    return;
  }
  if (!stream) stream = connect(on);
}

// fetchOpen gets a call that the stream does not tell of: one that is over.
let fetching = '';
async function fetchOpen(id) {
  if (fetching === id || missing?.id === id) return;
  fetching = id;
  try {
    const call = await api.get(`calls/${encodeURIComponent(id)}`);
    if (!state.calls.has(id)) take(put(state, call, clock.now()));
    missing = null;
  } catch (err) {
    if (err.kind === 'unauthenticated') signedOut();
    else if (err.kind === 'offline') setTimeout(draw, 2000);
    else {
      missing = err.kind === 'denied' ? { id, title: 'This call is not yours to see', text: 'You may not see it, or not any more.' }
        : err.kind === 'not-found' || err.kind === 'invalid' ? { id, title: 'There is no such call', text: 'It never was, or it ended a while ago and is no longer kept.' }
          : { id, title: 'The call cannot be shown now', text: err.detail || 'Something went wrong.' };
      if (err.kind === 'internal' || err.kind === 'not-running') setTimeout(() => { missing = null; draw(); }, 5000);
    }
  } finally {
    fetching = '';
    draw();
  }
}

// Drawing. One at a time, soon, however many reasons there are, and never under
// somebody's hand.
let due = null;
function draw() {
  due ??= setTimeout(() => press.after(() => {
    due = null;
    paint();
  }), 16);
}

function paint() {
  const now = clock.now();
  const calls = [...state.calls.values()].map((c) => cautious(state, c, now));
  if (line.out) {
    render(root, signedOutPage());
    document.title = 'Signed out';
    return;
  }
  if (!me) {
    render(root, h('p', { class: 'alone', key: 'start', 'data-testid': 'starting' }, line.tried ? 'The server cannot be reached. Trying again…' : 'Loading…'));
    return;
  }
  const waiting = calls.filter(isWaiting).length;
  document.title = `${calls.length === 1 ? '1 call' : `${calls.length} calls`}${waiting ? `, ${waiting} waiting` : ''} · ${me.title}`;
  const call = route.call ? cautious(state, find(state, route.call), now) : null;
  if (route.call && !call && state.ready) fetchOpen(route.call);
  if (call && call.state !== 'ended') may.ask(call);
  const shown = Boolean(route.call);
  const connection = line.up ? 'live' : offline() ? 'off' : 'lost';
  render(root, h('div', { class: 'page', key: 'page', 'data-testid': 'page', 'data-connection': connection, 'data-view': shown ? 'call' : 'board' },
    h('a', { class: 'skip', href: '#call', onclick: skip, hidden: !shown }, 'Skip to the call'),
    h('header', { class: 'top' },
      h('h1', null, me.title, ' ', h('span', { class: 'count', 'data-testid': 'count' }, String(calls.length)), h('span', { class: 'sr' }, ' live')),
      waiting > 0 && h('span', { class: 'soft' }, `${waiting} waiting`),
      h('span', { class: 'line', 'data-up': line.up }, h('span', { class: 'led', 'aria-hidden': 'true' }), line.up ? 'Live' : 'Offline'),
      h('span', { class: 'soft me', title: me.actor.role }, names.actor(me.actor), me.actor.role && h('span', { class: 'sr' }, `, ${me.actor.role}`))),
    h('div', { class: 'bannerbox', role: 'status' }, !line.up && line.ever && banner()),
    h('main', { class: 'panes' },
      h('div', { class: 'pane list' }, wallboard({ calls, route, names, now, ready: state.ready, typed, showed, cleared })),
      shown && h('div', { class: 'pane detail', key: 'detail' }, callview({
        call, problem: missing?.id === route.call ? missing : null, route, names, now, me, people: me.people, self: self(), width, verbs, panel, joinMode,
        offline: offline(), toast, asking: may.asking(), may: (op, sup, mode) => Boolean(call) && may.may(call, op, sup, mode),
        openPanel, closePanel, setPanel, setJoinMode,
      }))),
    h('div', { class: 'sr', role: 'status', key: 'spoken' }, spoken)));
  measure();
  tick();
  speak(call);
}

function banner() {
  return h('p', { class: 'banner', 'data-testid': 'banner' }, h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    h('span', null, 'Reconnecting…'), h('span', { class: 'age', 'aria-hidden': 'true', 'data-age': true, keep: true }),
    offline() && h('span', null, 'Buttons are off until then.'));
}

function signedOutPage() {
  return h('main', { class: 'alone', key: 'out', 'data-testid': 'signed-out', role: 'alert' },
    h('h1', null, 'You are signed out'),
    h('p', null, 'Nothing is shown or changed here any more.'),
    h('a', { href: './', 'data-testid': 'reload', onclick: (e) => { e.preventDefault(); location.reload(); } }, 'Reload the page'));
}

// measure takes the room that the picture has; it is drawn again if that has
// changed.
const sizes = new ResizeObserver(([entry]) => {
  const w = Math.floor(entry.contentRect.width);
  if (w > 0 && Math.abs(w - width) > 1) {
    width = w;
    draw();
  }
});
let measured = null;
function measure() {
  const box = root.querySelector('[data-measure]');
  if (box === measured) return;
  sizes.disconnect();
  measured = box;
  if (box) sizes.observe(box);
}

// tick moves everything that counts seconds.
function tick() {
  const now = clock.now();
  for (const el of root.querySelectorAll('[data-since]')) {
    const until = el.dataset.until ? Date.parse(el.dataset.until) : now;
    const text = span(until - Date.parse(el.dataset.since));
    if (el.textContent !== text) el.textContent = text;
  }
  const age = root.querySelector('[data-age]');
  if (age) age.textContent = `What you see is ${ago(Date.now() - line.alive)} old.`;
}

let seen = { local: Date.now(), steady: performance.now(), off: false };
setInterval(() => {
  tick();
  const had = seen;
  seen = { local: Date.now(), steady: performance.now(), off: offline() };
  if (Math.abs(seen.local - had.local - (seen.steady - had.steady)) > 2000 && me) resync(); // the local clock was set
  if (seen.off !== had.off) {
    verbs.withdraw();
    panel = null;
    draw();
  }
  if (state.wary.size > 0 || [...state.calls.values()].some((c) => open(c).some((s) => s.audible && s.want !== 'open'))) draw(); // time alone may change them
}, 1000);

// speak lets screen readers say who hears whom, once it has settled.
let spoken = '';
let about = '';
let saying = null;
function speak(call) {
  const text = call && call.state !== 'ended' ? ears(call, names, clock.now()).join(' ') : '';
  const id = call?.id ?? '';
  if (id !== about) { // a call just opened is read, not announced
    clearTimeout(saying);
    [about, spoken, saying] = [id, '', null];
    speak.last = text;
    return;
  }
  if (text === speak.last) return;
  speak.last = text;
  clearTimeout(saying);
  saying = setTimeout(() => { spoken = text; draw(); }, calm);
}

// Panels.

function openPanel(id) {
  if (panel?.id === id) return closePanel();
  opener = document.activeElement;
  panel = { id };
  paint();
  root.querySelector('[data-testid=panel] input:checked, [data-testid=panel] input, [data-testid=panel] button')?.focus();
}

function closePanel() {
  panel = null;
  paint();
  if (opener?.isConnected) opener.focus();
  opener = null;
}

// What was chosen is drawn at once, for the button beside it acts on it.
function setPanel(more) {
  panel = { ...panel, ...more };
  paint();
}

function setJoinMode(mode) {
  joinMode = mode;
  paint();
}

// Routes.

function go(next) {
  history.replaceState(null, '', format(next));
  moved();
}

function typed(e) { go({ ...route, q: e.target.value }); }
function showed(e) { go({ ...route, show: e.currentTarget.dataset.show }); }
function cleared() { go({ ...route, q: '', show: 'all' }); }

function skip(e) {
  e.preventDefault();
  root.querySelector('[data-heading]')?.focus();
}

// moved shows what the URL says, and puts the focus where a reader goes on.
function moved() {
  const had = route;
  route = parse(location.hash);
  if (had.call === route.call) return draw();
  panel = null;
  missing = null;
  paint();
  const to = route.call ? '[data-heading]' : `[data-call="${had.call}"] a`;
  const el = root.querySelector(to);
  el?.focus({ preventScroll: Boolean(route.call) });
  if (route.call) (wide.matches ? root.querySelector('.detail') : document.scrollingElement)?.scrollTo(0, 0);
}

addEventListener('hashchange', moved);
addEventListener('online', () => stream?.again());
addEventListener('offline', () => stream?.again());
addEventListener('visibilitychange', () => { if (!document.hidden) stream?.retry(); });
addEventListener('pageshow', (e) => { if (e.persisted) stream?.again(); });

resync().finally(() => { line.tried = true; draw(); });
