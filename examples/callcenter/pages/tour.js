// The guided tour: the server plays a step, this page tells what happened.
'use strict';

(() => {
  for (const choice of document.querySelectorAll('select[data-role]')) {
    choice.addEventListener('change', () => {
      const url = `/${choice.dataset.role}/${encodeURIComponent(choice.value)}`;
      const column = choice.closest('.column');
      column.querySelector('iframe').src = url;
      column.querySelector('h2 a').href = url;
    });
  }

  const box = document.querySelector('.tour');
  if (!box) return;
  const find = (id) => box.querySelector(`[data-testid="tour-${id}"]`);
  const el = { scenarios: find('scenarios'), title: find('title'), caption: find('caption'), checks: find('checks'), next: find('next'), reset: find('reset') };
  const intro = { title: el.title.textContent, caption: el.caption.textContent };
  let steps = [];

  function scenarios(now, done) {
    const names = [...new Set(steps.map((s) => s.scenario))];
    el.scenarios.replaceChildren(...names.map((name) => {
      const li = document.createElement('li');
      li.textContent = name;
      if (name === now) li.setAttribute('aria-current', 'step');
      if (names.indexOf(name) < names.indexOf(now) || done) li.dataset.done = '';
      return li;
    }));
  }

  function state(name, label, next) {
    box.dataset.state = name;
    el.next.textContent = label;
    el.next.disabled = name === 'playing';
    el.reset.hidden = name === 'ready' || name === 'done';
    if (next) scenarios(next.scenario);
  }

  function check(d) {
    const li = document.createElement('li');
    li.dataset.testid = 'tour-check';
    li.dataset.kind = d.kind;
    li.dataset.ok = d.ok;
    let text = d.what;
    if (d.kind === 'did') text = `${d.who === 'customer' ? 'Customer' : d.who[0].toUpperCase() + d.who.slice(1)}: ${d.what}${d.ms ? `, ${d.ms} ms` : ''}`;
    li.textContent = text;
    return li;
  }

  // Who hears whom is what the tour is about; of the rest only what was done,
  // and what is wrong.
  const worth = (d) => d.kind === 'did' || !d.ok || (d.kind === 'saw' && !d.what.includes('say “'));

  async function play() {
    const at = box.dataset.next || 0;
    const step = steps[at];
    if (step) {
      scenarios(step.scenario);
      el.title.textContent = step.title;
      el.caption.textContent = step.caption;
      el.checks.replaceChildren();
    }
    state('playing', 'Playing…');
    let res;
    try {
      const r = await fetch('/tour/next', { method: 'POST' });
      if (!r.ok) throw new Error(await r.text());
      res = await r.json();
    } catch (err) {
      el.caption.textContent = err.message;
      state('failed', 'Start the tour again');
      box.dataset.next = 0;
      return;
    }
    scenarios(res.scenario, res.ok && !res.next);
    el.title.textContent = res.title;
    el.caption.textContent = res.caption;
    el.checks.replaceChildren(...res.deeds.filter(worth).map(check));
    box.dataset.step = res.number;
    box.dataset.next = res.next ? res.next.number - 1 : 0;
    if (!res.ok) {
      el.caption.textContent = `This went differently: ${res.error}. Did somebody else use the phones meanwhile?`;
      state('failed', 'Start the tour again');
    } else if (res.next) {
      state('waiting', `Next: ${res.next.title}`);
    } else {
      state('done', 'Play it again');
    }
  }

  el.next.addEventListener('click', play);
  el.reset.addEventListener('click', async () => {
    await fetch('/tour/reset', { method: 'POST' });
    delete box.dataset.next;
    el.title.textContent = intro.title;
    el.caption.textContent = intro.caption;
    el.checks.replaceChildren();
    scenarios('');
    state('ready', 'Take the tour');
  });

  fetch('/tour').then((r) => r.json()).then((t) => {
    steps = t.steps;
    scenarios('');
    if (t.next.number > 1) { // the page was loaded again
      box.dataset.next = t.next.number - 1;
      state('waiting', `Next: ${t.next.title}`, t.next);
    }
  }).catch(() => {});
})();
