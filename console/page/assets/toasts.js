// Short messages about what was just pressed. A good one goes by itself, or for
// the next one; others stay longer. All can be put away.

import { h, render } from './dom.js';

const stay = { good: 5000, bad: 15000, alarm: 60000 };

// makeToasts returns toast(kind, text), which shows a message in root.
export function makeToasts(root) {
  let shown = [];
  let n = 0;

  function away(id) {
    shown = shown.filter((t) => t.id !== id);
    draw();
  }

  function draw() {
    const box = (name, role, kinds) => h('div', { role, 'aria-label': name, class: 'toastbox' },
      shown.filter((t) => kinds.includes(t.kind)).map((t) => h('div', { class: 'toast', key: t.id, 'data-kind': t.kind, 'data-testid': 'toast' },
        h('p', null, t.text),
        h('button', { type: 'button', class: 'quiet', 'aria-label': `Dismiss: ${t.text}`, onclick: t.away }, '×'))));
    render(root, box('Results', 'status', ['good']), box('Problems', 'alert', ['bad', 'alarm']));
  }

  draw();
  return (kind, text) => {
    const id = ++n;
    shown = [...shown.filter((t) => t.text !== text && !(kind === 'good' && t.kind === 'good')), { id, kind, text, away: () => away(id) }].slice(-4);
    setTimeout(away, stay[kind], id);
    draw();
  };
}
