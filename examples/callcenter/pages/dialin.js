// A supervisor who would rather dial in than be rung: the desk gives a ticket,
// and the phone carries it. Both kinds of phone share this, and how the desk
// is told which call to show.
'use strict';

window.dialIn = (() => {
  const desk = document.body.dataset.desk;
  const person = document.querySelector('.phone').dataset.person;

  async function ask(path, body) {
    const res = await fetch(desk + path, body && {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const data = await res.json();
    if (!res.ok) throw new Error(data.detail || data.title || `status ${res.status}`);
    return data;
  }

  // offer lets button choose a call, by choices where there are several, and
  // calls dial with its ticket.
  function offer(button, choices, trouble, dial) {
    const go = async (call) => {
      choices.hidden = true;
      try {
        const ticket = await ask(`api/calls/${encodeURIComponent(call.id)}/ticket`, { supervisor: person });
        await dial(ticket);
        open(call.id);
      } catch (err) {
        trouble(err.message);
      }
    };
    button.addEventListener('click', async () => {
      trouble('');
      try {
        const { calls } = await ask('api/calls');
        if (calls.length === 0) trouble('Your team has no call to dial into.');
        else if (calls.length === 1) await go(calls[0]);
        else {
          choices.replaceChildren(...calls.map((call) => {
            const li = document.createElement('li');
            const b = document.createElement('button');
            b.type = 'button';
            b.className = 'quiet';
            b.textContent = `${call.from}, ${call.state}`;
            b.addEventListener('click', () => go(call));
            li.append(b);
            return li;
          }));
          choices.hidden = false;
          choices.querySelector('button').focus();
        }
      } catch (err) {
        trouble(err.message);
      }
    });
  }

  // open shows a call on the desk below the phone, whether that is there yet or
  // not. Only the fragment changes, so the desk is not loaded again.
  function open(id) {
    const frame = document.querySelector('.desk');
    if (frame) frame.contentWindow.location.replace(`${desk}#/calls/${encodeURIComponent(id)}`);
  }

  return { offer, open };
})();
