// Buttons of verbs, all of one make: named, busy while their verb runs, and off
// where the state of the call or the connection forbids it.

import { h } from './dom.js';
import { verbNames } from './words.js';

// verbButton draws one. b has verb, call (an id) and target, and
//
//	press   what a click does
//	name    the words on it; the verb's own if left out
//	label   the accessible name, where the words alone do not say whom it is about
//	opens   it opens a panel, which is open or not
//	why     why it can not be used now: it stays reachable and says so
//	kind    a class
//	on      aria-pressed
//	slot    what tells it from buttons of the same verb and target
export function verbButton(view, b) {
  const busy = view.verbs.pending(b.verb, b.call, b.slot ?? b.target);
  const why = b.why || '';
  return h('button', {
    type: 'button', key: `${b.verb} ${b.target ?? ''} ${b.mode ?? ''}`, class: b.kind ?? '',
    'data-verb': b.verb, 'data-target': b.target || null, 'data-mode': b.mode ?? null,
    'aria-label': b.label ?? null, 'aria-busy': busy ? 'true' : null, 'aria-pressed': b.on == null ? null : String(b.on),
    'aria-expanded': b.opens == null ? null : String(b.opens), 'aria-haspopup': b.opens == null ? null : 'dialog',
    'aria-disabled': why || busy ? 'true' : null, title: why || null, disabled: view.offline,
    onclick: () => {
      if (busy) return;
      if (why) view.toast('bad', `${b.name ?? verbNames[b.verb]}: ${why}`);
      else b.press();
    },
  }, busy && h('span', { class: 'spinner', 'aria-hidden': 'true' }), h('span', null, b.name ?? verbNames[b.verb]));
}
