// Runs pages/sdkphone.js against a stand-in for the browser and one for
// Plivo's Browser SDK, and checks how the SDK is used.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const source = (name) => readFileSync(new URL(`../pages/${name}`, import.meta.url), 'utf8');

// A thing of the page, with as much as the scripts use.
class Element {
  constructor(dataset = {}) {
    Object.assign(this, { dataset, hidden: true, textContent: '', children: [], attributes: {}, listeners: {} });
  }
  addEventListener(type, f) { (this.listeners[type] ??= []).push(f); }
  setAttribute(k, v) { this.attributes[k] = v; }
  replaceChildren(...c) { this.children = c; }
  append(...c) { this.children.push(...c); }
  focus() { this.focused = true; }
  querySelector() { return this.children[0]?.children[0]; }
  async click() { for (const f of this.listeners.click ?? []) await f({ preventDefault() {} }); }
}

// A page of a person, with an SDK of some age.
async function page({ kind = 'supervisor', sdk = 'new', answers = {} } = {}) {
  const ids = ['state', 'listening', 'trouble', 'answer', 'decline', 'hangup', 'mute', 'choices'];
  if (kind === 'supervisor') ids.push('dialin');
  const el = Object.fromEntries(ids.map((id) => [id, new Element()]));
  const box = new Element({ kind, person: 'lee', hotline: '14155550100' });
  box.querySelector = (sel) => el[/phone-([a-z]+)/.exec(sel)[1]] ?? null;
  let shown = ''; // on the desk
  const desk = { contentWindow: { location: { replace: (url) => { shown = url; } } } };
  const requests = [];
  const did = []; // calls of the SDK's methods
  const handlers = {};
  const client = { on: (name, f) => { handlers[name] = f; } };
  for (const name of ['answer', 'reject', 'hangup', 'mute', 'unmute', 'loginWithAccessToken']) {
    client[name] = (...args) => { did.push([name, ...args]); return true; };
  }
  client.call = (dest, headers) => {
    headers['X-Plivo-Jwt'] = 'token'; // as the SDK does: undefined headers throw
    did.push(['call', dest, { ...headers }]); // a copy, of this realm
    return true;
  };
  let generator;
  if (sdk === 'new') client.loginWithAccessTokenGenerator = (g) => { generator = g; did.push(['generator']); return true; };
  const window = { dialIn: undefined };
  let options;
  if (sdk !== 'none') window.Plivo = class { constructor(o) { options = o; this.client = client; } };
  const context = vm.createContext({
    window, console,
    document: {
      body: { dataset: { desk: `/${kind}/lee/console/` } },
      querySelector: (sel) => (sel === '.phone' ? box : sel === '.desk' ? desk : null),
      createElement: () => new Element(),
    },
    fetch: async (url, init = {}) => {
      requests.push([init.method ?? 'GET', url, init.body && JSON.parse(init.body)]);
      const [status, body] = answers[url] ?? [200, { token: 'the-token' }];
      return { ok: status < 300, status, json: async () => body, text: async () => (typeof body === 'string' ? body : JSON.stringify(body)) };
    },
  });
  for (const name of ['dialin.js', 'sdkphone.js']) vm.runInContext(source(name), context, { filename: name });
  await new Promise(setImmediate);
  return { el, box, shown: () => shown, did, requests, emit: (name, ...args) => handlers[name](...args), generator: () => generator, options };
}

const tests = {
  async 'logs in with a generator, which fetches a token each time'() {
    const p = await page();
    assert.deepEqual(p.did, [['generator']]);
    assert.equal(await p.generator().getAccessToken(), 'the-token');
    assert.deepEqual(p.requests, [['POST', '/supervisor/lee/token', undefined]]);
    p.emit('onLogin');
    assert.equal(p.box.dataset.state, 'idle');
  },
  async 'logs in with one token where the SDK has no generators'() {
    const p = await page({ sdk: 'old' });
    assert.deepEqual(p.did, [['loginWithAccessToken', 'the-token']]);
  },
  async 'says what the server said when there is no token'() {
    const p = await page({ answers: { '/supervisor/lee/token': [502, 'Plivo gave no token\n'] } });
    await assert.rejects(p.generator().getAccessToken());
    assert.equal(p.el.trouble.textContent, 'Plivo gave no token');
    p.emit('onLoginFailed', 'INVALID_ACCESS_TOKEN');
    assert.equal(p.box.dataset.state, 'lost');
    assert.equal(p.el.trouble.textContent, 'Plivo gave no token'); // the cause, not its echo
  },
  async 'says that the SDK is missing'() {
    const p = await page({ sdk: 'none' });
    assert.match(p.el.trouble.textContent, /could not be loaded/);
  },
  async 'rings, opens the call on the desk whatever the header’s case, and answers'() {
    for (const header of ['X-PH-Callid', 'X-Ph-Callid', 'x-ph-callid', 'X-PH-CALLID']) {
      const p = await page({ kind: 'agent' });
      p.emit('onLogin');
      p.emit('onIncomingCall', '14155550123@phone.plivo.com', { Other: 'x', [header]: 'cc0123456789abcdef' }, { callUUID: 'uuid-1' });
      assert.equal(p.box.dataset.state, 'ringing');
      assert.match(p.el.state.textContent, /14155550123 calls/);
      assert.equal(p.el.answer.hidden, false);
      assert.equal(p.shown(), '/agent/lee/console/#/calls/cc0123456789abcdef');
      await p.el.answer.click();
      assert.deepEqual(p.did.at(-1), ['answer', 'uuid-1']);
      p.emit('onCallAnswered');
      assert.equal(p.box.dataset.state, 'in-call');
      await p.el.mute.click();
      await p.el.mute.click();
      await p.el.hangup.click();
      assert.deepEqual(p.did.slice(-3), [['mute'], ['unmute'], ['hangup']]);
      p.emit('onCallTerminated');
      assert.equal(p.box.dataset.state, 'idle');
    }
  },
  async 'survives a call without headers, and declines it'() {
    const p = await page({ kind: 'agent' });
    p.emit('onIncomingCall', '14155550123@phone.plivo.com', undefined, { callUUID: 'uuid-2' });
    assert.equal(p.shown(), '');
    await p.el.decline.click();
    assert.deepEqual(p.did.at(-1), ['reject', 'uuid-2']);
    assert.equal(p.box.dataset.state, 'idle');
    p.emit('onIncomingCall', 'x@y', {}, { callUUID: 'uuid-3' });
    p.emit('onIncomingCallCanceled');
    assert.equal(p.el.answer.hidden, true);
  },
  async 'dials in with a ticket'() {
    for (const header of ['X-PH-Ticket', 'Ticket']) {
      const p = await page({ answers: {
        '/supervisor/lee/console/api/calls': [200, { calls: [{ id: 'cc1', from: '14155550123', state: 'active' }] }],
        '/supervisor/lee/console/api/calls/cc1/ticket': [200, { header, value: 'secret', expires: '' }],
      } });
      p.emit('onLogin');
      assert.equal(p.el.dialin.hidden, false);
      await p.el.dialin.click();
      assert.deepEqual(p.requests.slice(-2), [
        ['GET', '/supervisor/lee/console/api/calls', undefined],
        ['POST', '/supervisor/lee/console/api/calls/cc1/ticket', { supervisor: 'lee' }],
      ]);
      assert.deepEqual(p.did.at(-1), ['call', '14155550100', { 'X-PH-Ticket': 'secret', 'X-Plivo-Jwt': 'token' }]);
      assert.equal(p.shown(), '/supervisor/lee/console/#/calls/cc1');
      p.emit('onCalling');
      assert.equal(p.box.dataset.state, 'dialing');
      assert.equal(p.el.hangup.hidden, false);
    }
  },
  async 'lets the supervisor choose among calls, or says that there is none'() {
    const list = '/supervisor/lee/console/api/calls';
    const p = await page({ answers: {
      [list]: [200, { calls: [{ id: 'cc1', from: '1', state: 'active' }, { id: 'cc2', from: '2', state: 'waiting' }] }],
      [`${list}/cc2/ticket`]: [409, { title: 'Not now', detail: 'the call is full' }],
    } });
    await p.el.dialin.click();
    assert.equal(p.el.choices.hidden, false);
    await p.el.choices.children[1].children[0].click();
    assert.equal(p.el.trouble.textContent, 'the call is full');
    assert.ok(!p.did.some(([name]) => name === 'call'));
    const empty = await page({ answers: { [list]: [200, { calls: [] }] } });
    await empty.el.dialin.click();
    assert.match(empty.el.trouble.textContent, /no call/);
  },
  async 'tells about refused calls, microphones and lost connections'() {
    const p = await page();
    p.emit('onLogin');
    p.emit('onPermissionDenied', 'INVALID_ACCESS_TOKEN_GRANTS');
    assert.match(p.el.trouble.textContent, /may not call/);
    p.emit('onMediaPermission', { status: 'failure', error: 'NotAllowedError' });
    assert.match(p.el.trouble.textContent, /microphone/);
    p.emit('onConnectionChange', { state: 'disconnected' });
    assert.equal(p.box.dataset.state, 'lost');
    p.emit('onConnectionChange', { state: 'connected' });
    assert.equal(p.box.dataset.state, 'idle');
    p.emit('onCallFailed', 'Busy');
    assert.match(p.el.trouble.textContent, /Busy/);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log('ok', name);
  } catch (err) {
    failed++;
    console.log('FAIL', name, err.message);
  }
}
process.exit(failed ? 1 : 0);
