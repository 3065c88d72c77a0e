// The view of one call: who and how long, what one may do, who hears whom, who is
// in it, what happened.

import { actions } from './actions.js';
import { diagram } from './diagram.js';
import { h } from './dom.js';
import { over, phase } from './facts.js';
import { participants } from './participants.js';
import { format } from './route.js';
import { supervisors } from './supervisors.js';
import { timeline } from './timeline.js';
import { clockAt } from './wallboard.js';
import { capital, endWord, phaseWord } from './words.js';

// callview draws it. view has call, or problem where there is none to show.
export function callview(view) {
  const { call, problem, route } = view;
  const back = h('a', { class: 'back', href: format({ ...route, call: '' }), 'data-testid': 'back' }, h('span', { 'aria-hidden': 'true' }, '←'), ' All calls');
  if (!call) {
    return h('section', { class: 'call', 'aria-label': 'Call', key: `none ${route.call}`, 'data-testid': 'call', id: 'call' }, back,
      h('div', { class: 'nothing', 'data-testid': problem ? 'no-call' : 'loading' },
        h('h2', { class: 'strong', tabindex: -1, 'data-heading': true }, problem ? problem.title : 'Loading the call…'),
        problem && h('p', { class: 'soft' }, problem.text)));
  }
  return h('section', { class: 'call', 'aria-label': 'Call', key: call.id, 'data-testid': 'call', id: 'call', 'data-call': call.id, 'data-phase': phase(call).name, 'data-state': call.state },
    header(call, back),
    actions(view),
    h('div', { class: 'columns' },
      h('div', { class: 'column' },
        over(call) ? ended(call) : h('section', { class: 'card', 'aria-labelledby': 'h-ears' }, h('h3', { id: 'h-ears' }, 'Who hears whom'), diagram(call, view)),
        supervisors(view),
        participants(view)),
      h('div', { class: 'column side' },
        timeline(view),
        data(call))));
}

function header(call, back) {
  const at = phase(call);
  return h('header', { class: 'title' },
    h('div', { class: 'headline' }, back, h('h2', { tabindex: -1, 'data-heading': true }, h('span', { class: 'sr' }, 'Call from '), call.from || 'Unknown number')),
    h('dl', { class: 'facts' },
      fact('State', h('span', { class: 'phase', 'data-testid': 'phase' }, phaseWord(at.name)),
        !over(call) && at.name !== 'talking' && [' ', clockAt(at.since)]),
      call.activated && at.name === 'talking' && fact('In conversation', clockAt(call.activated, { 'data-testid': 'talking' })),
      fact('Duration', over(call) ? clockAt(call.created, { 'data-until': call.ended }) : clockAt(call.created, { 'data-testid': 'duration' })),
      fact('Dialled', call.to || 'unknown')));
}

function fact(name, ...value) {
  return h('div', { key: name }, h('dt', null, name), h('dd', null, value));
}

function ended(call) {
  return h('section', { class: 'card', 'aria-labelledby': 'h-ended', 'data-testid': 'ended' },
    h('h3', { id: 'h-ended' }, 'The call is over'),
    h('p', null, `${capital(endWord(call.end_reason)) || 'It ended'}.`,
      call.customer_hears === 'farewell' && ' The customer heard the farewell.'),
    h('p', { class: 'soft' }, 'Nothing can be done with it any more. It stays readable for a while.'));
}

function data(call) {
  const entries = Object.entries(call.data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return null;
  return h('section', { class: 'card', 'aria-labelledby': 'h-data', 'data-testid': 'data' },
    h('h3', { id: 'h-data' }, 'Data'),
    h('dl', { class: 'pairs' }, entries.map(([k, v]) => [h('dt', { key: k }, k), h('dd', { key: k }, v)])));
}
