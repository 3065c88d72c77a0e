// What happened to a call, newest first.

import { h } from './dom.js';
import { story } from './story.js';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

// timeOf is a moment as the viewer's clock shows it.
export function timeOf(iso) {
  const at = new Date(iso);
  return h('time', { datetime: iso, title: whole.format(at) }, clock.format(at));
}

export function timeline({ call, names }) {
  const entries = story(call, names);
  return h('section', { class: 'card', 'aria-labelledby': 'h-story', 'data-testid': 'timeline' },
    h('h3', { id: 'h-story' }, 'Timeline'),
    h('ol', { class: 'story' }, entries.map((e) => h('li', { key: e.seq, 'data-kind': e.kind, 'data-tone': e.tone || null, 'data-role': e.person || null },
      timeOf(e.at), h('span', null, e.text, e.by && h('span', { class: 'soft' }, ` · by ${e.by}`))))),
    call.history[0]?.seq > 1 && h('p', { class: 'soft' }, 'What happened before is no longer kept.'));
}
