// The phone of a page with the real Plivo: a thin shell around its Browser SDK.
'use strict';

(() => {
  const box = document.querySelector('.phone');
  const find = (id) => box.querySelector(`[data-testid="phone-${id}"]`);
  const el = {
    state: find('state'), listening: find('listening'), trouble: find('trouble'),
    answer: find('answer'), decline: find('decline'), hangup: find('hangup'), mute: find('mute'),
    dialin: find('dialin'), choices: find('choices'),
  };
  const { kind, person, hotline } = box.dataset;
  let incoming = ''; // callUUID of the call that rings
  let muted = false;

  function show(state, text) {
    box.dataset.state = state;
    el.state.textContent = text;
    el.answer.hidden = el.decline.hidden = state !== 'ringing';
    el.hangup.hidden = el.mute.hidden = state !== 'in-call';
    if (state === 'dialing') el.hangup.hidden = false;
    if (el.dialin) el.dialin.hidden = state !== 'idle';
    if (state !== 'in-call') setMuted(false);
  }

  function setMuted(on) {
    muted = on;
    el.mute.setAttribute('aria-pressed', String(on));
    el.mute.textContent = on ? 'Unmute' : 'Mute';
    el.listening.textContent = on ? 'Your microphone is off' : '';
  }

  function trouble(text) {
    el.trouble.textContent = text;
    el.trouble.hidden = !text;
  }

  if (!window.Plivo) {
    show('lost', 'No phone');
    trouble('Plivo’s Browser SDK could not be loaded. Is cdn.plivo.com blocked?');
    return;
  }

  async function newToken() {
    const res = await fetch(`/${kind}/${encodeURIComponent(person)}/token`, { method: 'POST' });
    if (!res.ok) throw new Error((await res.text()).trim());
    return (await res.json()).token;
  }

  const { client } = new window.Plivo({ debug: 'ERROR', permOnClick: false, enableTracking: false, closeProtection: true, allowMultipleIncomingCalls: false });

  client.on('onLogin', () => {
    trouble('');
    show('idle', 'Ready');
  });
  client.on('onLoginFailed', (cause) => {
    show('lost', 'Not logged in');
    if (el.trouble.hidden) trouble(`Plivo refuses the phone: ${cause}. The server’s -check says what to look at.`);
  });
  client.on('onLogout', (cause) => show('lost', cause ? `Logged out: ${cause}` : 'Logged out'));
  client.on('onWebrtcNotSupported', () => {
    show('lost', 'No phone');
    trouble('This browser cannot telephone.');
  });
  client.on('onMediaPermission', (p) => {
    if (p && p.status === 'failure') trouble('The browser may not use the microphone. Allow it for this page.');
  });
  client.on('onPermissionDenied', (cause) => trouble(`This phone may not call: ${cause}`));
  client.on('onConnectionChange', (c) => {
    if (c && c.state === 'disconnected') show('lost', 'No connection: trying again');
    else if (c && c.state === 'connected' && box.dataset.state === 'lost') show('idle', 'Ready');
  });

  client.on('onIncomingCall', (caller, extraHeaders, info) => {
    incoming = (info && info.callUUID) || '';
    const headers = extraHeaders || {};
    const key = Object.keys(headers).find((k) => k.toLowerCase() === 'x-ph-callid');
    show('ringing', kind === 'supervisor' ? 'Ringing: a call to join' : `Ringing: ${String(caller).split('@')[0]} calls`);
    if (key && headers[key]) window.dialIn.open(headers[key]);
  });
  const over = () => {
    incoming = '';
    show('idle', 'Ready');
  };
  client.on('onIncomingCallCanceled', over);
  client.on('onIncomingCallIgnored', over);
  client.on('onCallTerminated', over);
  client.on('onCallFailed', (cause) => {
    over();
    if (cause) trouble(`The call failed: ${cause}`);
  });
  client.on('onCalling', () => show('dialing', 'Calling…'));
  // Not onCallConnected: it does not come for multiparty calls.
  client.on('onCallAnswered', () => show('in-call', 'In a call'));

  el.answer.addEventListener('click', () => {
    client.answer(incoming);
    show('in-call', 'In a call');
  });
  el.decline.addEventListener('click', () => {
    client.reject(incoming);
    over();
  });
  el.hangup.addEventListener('click', () => client.hangup());
  el.mute.addEventListener('click', () => {
    if (muted) client.unmute();
    else client.mute();
    setMuted(!muted);
  });
  if (el.dialin) {
    window.dialIn.offer(el.dialin, el.choices, trouble, (ticket) => {
      const name = /^x-ph-/i.test(ticket.header) ? ticket.header : `X-PH-${ticket.header}`;
      client.call(hotline, { [name]: ticket.value });
    });
  }

  // A generator is asked again before a token ends; older SDKs have none.
  show('lost', 'Logging in…');
  if (typeof client.loginWithAccessTokenGenerator === 'function') {
    client.loginWithAccessTokenGenerator({
      getAccessToken: () => newToken().catch((err) => {
        trouble(err.message);
        throw err;
      }),
    });
  } else {
    newToken().then((token) => client.loginWithAccessToken(token)).catch((err) => {
      show('lost', 'Not logged in');
      trouble(err.message);
    });
  }
})();
