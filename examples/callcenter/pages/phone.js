// The phone of a page, played on the emulator. It shows what the emulator's
// control API streams about one address, and presses that phone's buttons.
'use strict';

(() => {
  if (window.parent !== window) document.documentElement.classList.add('framed'); // side by side: the frame has a heading
  const box = document.querySelector('.phone');
  const find = (id) => box.querySelector(`[data-testid="phone-${id}"]`);
  const el = {
    state: find('state'), listening: find('listening'), lines: find('transcript'), trouble: find('trouble'),
    answer: find('answer'), decline: find('decline'), hangup: find('hangup'),
    dial: find('dial'), from: find('from'), to: find('to'),
    sayForm: find('say-form'), say: find('say'), saySend: find('say-send'),
    auto: find('auto'), dialin: find('dialin'), choices: find('choices'),
  };
  const kind = box.dataset.kind;
  let address = box.dataset.address;
  let names = new Map(); // of addresses: {name, role}
  let leave = () => {}; // ends what tells of the phone
  let call = null; // the one that is shown
  let shown = 0; // lines of it on the page
  let opened = ''; // the call that the desk was told to open

  const phoneURL = (rest) => `/_/phones/${encodeURIComponent(address)}${rest}`;
  const who = (addr) => names.get(addr) || { name: addr === '14155550123' ? 'Customer' : `Customer ${addr}`, role: 'customer' };
  const listOf = (addrs) => addrs.map((a) => who(a).name).join(', ');

  async function send(method, url, body) {
    trouble('');
    try {
      const res = await fetch(url, {
        method,
        headers: body ? { 'Content-Type': 'application/json' } : {},
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await res.text();
      const data = text.startsWith('{') ? JSON.parse(text) : {};
      if (!res.ok) throw new Error(data.error || data.detail || data.title || text || `status ${res.status}`);
      return data;
    } catch (err) {
      trouble(err.message);
      throw err;
    }
  }

  function trouble(text) {
    el.trouble.textContent = text;
    el.trouble.hidden = !text;
  }

  // What a view means for the reader.
  function stateOf(c) {
    if (!c || c.state === 'ended') return 'idle';
    if (c.state === 'in-progress') return 'in-call';
    return c.direction === 'inbound' ? 'dialing' : 'ringing';
  }

  function current(calls) {
    for (const state of ['in-progress', 'ringing']) {
      const c = calls.findLast((x) => x.state === state);
      if (c) return c;
    }
    return calls.at(-1) || null;
  }

  function statusText(state, c) {
    switch (state) {
      case 'in-call': return 'In a call';
      case 'dialing': return `Calling ${c.to}…`;
      case 'ringing': return kind === 'supervisor' ? 'Ringing: a call to join' : `Ringing: ${c.from} calls`;
    }
    if (c && c.hangup_cause) return `Call over: ${c.hangup_cause.name.toLowerCase()}`;
    return 'Ready';
  }

  const music = { 'wait music': '♪ music, waiting', 'hold music': '♪ music, on hold' };

  function listeningText(c) {
    if (!c || c.state !== 'in-progress') return ['nothing', ''];
    if (music[c.listening]) return ['music', music[c.listening]];
    if (c.listening === 'speak' || c.listening === 'play') return ['music', '♪ an announcement'];
    if (c.listening === 'mpc' && (c.hears || []).length) return ['people', `Hears ${listOf(c.hears)}`];
    return ['silence', 'Hears nobody'];
  }

  function render(view) {
    const c = current(view.calls);
    if (!call || !c || c.call_uuid !== call.call_uuid) {
      el.lines.replaceChildren();
      shown = 0;
    }
    call = c;
    const state = stateOf(c);
    box.dataset.state = state;
    el.state.textContent = statusText(state, c);
    const [sort, text] = listeningText(c);
    el.listening.dataset.listening = sort;
    el.listening.textContent = text;
    el.answer.hidden = el.decline.hidden = state !== 'ringing';
    el.hangup.hidden = state !== 'in-call' && state !== 'dialing';
    if (el.dial) {
      el.dial.hidden = state !== 'idle';
    }
    if (el.dialin) {
      el.dialin.hidden = state !== 'idle';
      if (state !== 'idle') el.choices.hidden = true;
    }
    el.say.disabled = el.saySend.disabled = state !== 'in-call';
    if (el.auto) el.auto.checked = view.plan.startsWith('answer');
    transcript(c);
    openDesk(c);
  }

  // The desk follows the phone: the header tells which call it is.
  function openDesk(c) {
    if (!c || c.state === 'ended') return;
    const id = Object.entries(c.headers || {}).find(([k]) => k.toLowerCase() === 'x-ph-callid')?.[1];
    if (id && id !== opened) {
      opened = id;
      window.dialIn.open(id);
    }
  }

  function transcript(c) {
    if (!c) return;
    const entries = [];
    for (const h of c.heard || []) entries.push({ at: h.at, kind: 'heard', who: who(h.from), text: h.text });
    for (const s of c.said || []) entries.push({ at: s.at, kind: 'said', text: s.text, by: s.heard_by });
    for (const s of c.sounds || []) entries.push({ at: s.at, kind: 'sound', text: `♪ ${s.kind}` });
    entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    const atEnd = el.lines.scrollHeight - el.lines.scrollTop - el.lines.clientHeight < 40;
    for (const e of entries.slice(shown)) el.lines.append(lineOf(e));
    if (entries.length > shown && atEnd) el.lines.scrollTop = el.lines.scrollHeight;
    shown = entries.length;
  }

  function lineOf(e) {
    const li = document.createElement('li');
    li.dataset.testid = 'phone-line';
    li.dataset.kind = e.kind;
    const text = document.createElement('span');
    text.className = 'text';
    text.textContent = e.text;
    if (e.kind === 'heard') {
      const from = document.createElement('span');
      from.className = 'who';
      from.textContent = e.who.name;
      li.dataset.role = e.who.role;
      li.append(from, ' ', text);
    } else if (e.kind === 'said') {
      const by = document.createElement('span');
      by.className = 'by';
      by.textContent = e.by.length ? `heard by ${listOf(e.by)}` : 'heard by nobody';
      if (!e.by.length) li.dataset.unheard = '';
      const me = document.createElement('span');
      me.className = 'sr';
      me.textContent = 'You: ';
      li.append(me, text, ' ', by);
    } else {
      li.append(text);
    }
    return li;
  }

  // follow tells of the phone's views, and by null that there are none for now.
  function follow(told) {
    if (!window.SharedWorker) {
      const own = new EventSource(`/_/phones/stream?calls=2&address=${encodeURIComponent(address)}`);
      own.onmessage = (m) => told(JSON.parse(m.data));
      own.onerror = () => told(null);
      return () => own.close();
    }
    const { port } = new SharedWorker('/assets/phones.js');
    port.onmessage = (m) => told(m.data);
    port.postMessage(address);
    return () => {
      port.onmessage = null;
      port.postMessage('');
    };
  }

  function connect() {
    leave();
    call = null;
    shown = 0;
    el.lines.replaceChildren();
    leave = follow((view) => {
      if (view) {
        box.dataset.connected = '';
        render(view);
      } else {
        delete box.dataset.connected;
        box.dataset.state = 'lost';
        el.state.textContent = 'No connection: trying again';
      }
    });
  }
  addEventListener('pagehide', () => leave());
  addEventListener('pageshow', (e) => { if (e.persisted) connect(); });

  const quietly = (promise) => promise.catch(() => {}); // trouble is shown already

  el.answer.addEventListener('click', () => quietly(send('POST', phoneURL('/answer'))));
  el.decline.addEventListener('click', () => quietly(send('POST', phoneURL('/reject'))));
  el.hangup.addEventListener('click', () => quietly(send('POST', phoneURL('/hangup'))));
  el.sayForm.addEventListener('submit', (ev) => {
    ev.preventDefault();
    const text = el.say.value.trim();
    if (!text || !call) return;
    el.say.value = '';
    quietly(send('POST', `/_/calls/${call.call_uuid}/say`, { text }));
  });
  if (el.dial) {
    el.dial.addEventListener('submit', (ev) => {
      ev.preventDefault();
      const from = el.from.value.replace('+', '');
      if (from !== address) {
        address = from;
        box.dataset.address = from;
        connect();
      }
      quietly(send('POST', '/_/calls', { from, to: el.to.value }));
    });
    el.from.addEventListener('change', () => {
      if (el.from.checkValidity()) {
        address = box.dataset.address = el.from.value.replace('+', '');
        connect();
      }
    });
  }
  if (el.auto) {
    el.auto.addEventListener('change', () => {
      quietly(send('PUT', phoneURL(''), { plan: el.auto.checked ? 'answer:700ms' : 'manual', busy_in_call: true }));
      if (el.auto.checked && box.dataset.state === 'ringing') quietly(send('POST', phoneURL('/answer')));
    });
  }
  if (el.dialin) {
    window.dialIn.offer(el.dialin, el.choices, trouble, (ticket) => send('POST', '/_/calls', {
      from: address, to: box.dataset.hotline, headers: { [ticket.header]: ticket.value },
    }));
  }

  fetch('/cast').then((r) => r.json()).then((cast) => {
    names = new Map(cast.map((p) => [p.address, p]));
  }).catch(() => {}).finally(connect);
})();
