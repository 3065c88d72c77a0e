// The wallboard: all live calls, in a table where there is room, as cards where
// not (that is up to the style sheet).

import { agentsOf, byUrgency, isCoached, isWaiting, matches, open, phase, ringing, standing } from './facts.js';
import { h } from './dom.js';
import { format } from './route.js';
import { chip, nameOf, phaseWord } from './words.js';

const showNames = { all: 'All', waiting: 'Waiting', coached: 'Coached' };
const tests = { all: () => true, waiting: isWaiting, coached: isCoached };

// clockAt is a length of time that the page keeps counting.
export function clockAt(since, props) {
  return h('span', { class: 'clock', ...props, 'data-since': since, keep: true });
}

// modeChip is a supervision in a word.
export function modeChip(call, sup, now) {
  const how = standing(call, sup, now);
  const mode = how === 'confirmed' ? sup.mode : how === 'changing' ? sup.want : '';
  return h('span', { class: 'chip', 'data-standing': how, 'data-mode': mode || null }, chip(call, sup, now));
}

// wallboard draws it. view has calls (all live ones), route, names, now, ready,
// and go(route), filter(change).
export function wallboard(view) {
  const { calls, route } = view;
  const searched = calls.filter((c) => matches(c, route.q, view.names));
  const rows = byUrgency(searched.filter(tests[route.show]));
  return h('section', { class: 'board', 'aria-label': 'Live calls', 'data-testid': 'wallboard' },
    h('div', { class: 'tools' },
      h('label', { class: 'search' },
        h('span', { class: 'sr' }, 'Filter by number, person or data'),
        h('input', {
          type: 'search', placeholder: 'Filter: number, person…', autocomplete: 'off', spellcheck: 'false', value: route.q,
          'data-testid': 'filter', oninput: view.typed,
        })),
      h('div', { class: 'segments', role: 'group', 'aria-label': 'Show' },
        Object.entries(showNames).map(([show, name]) => h('button', {
          type: 'button', key: show, 'aria-pressed': String(route.show === show), 'data-testid': `show-${show}`, 'data-show': show, onclick: view.showed,
        }, name, ' ', h('span', { class: 'count' }, String(searched.filter(tests[show]).length)))))),
    rows.length > 0 ? table(rows, view) : nothing(calls, view));
}

function table(rows, view) {
  const head = (name) => h('div', { role: 'columnheader', key: name }, name);
  return h('div', { class: 'table', role: 'table', 'aria-label': 'Live calls', 'aria-rowcount': rows.length + 1, onkeydown: arrows },
    h('div', { role: 'rowgroup', class: 'head' }, h('div', { role: 'row' }, ['Customer', 'State', 'Agent', 'Supervisor', 'Duration'].map(head))),
    h('div', { role: 'rowgroup', class: 'rows', 'data-testid': 'calls' }, rows.map((c) => row(c, view))));
}

function row(call, { route, names, now }) {
  const at = phase(call);
  const chosen = call.id === route.call;
  const rung = ringing(call);
  const sups = open(call);
  return h('div', { role: 'row', class: 'row', key: call.id, 'data-call': call.id, 'data-phase': at.name, 'data-state': call.state, 'data-open': chosen || null },
    h('div', { role: 'cell', class: 'who' },
      h('a', { href: format({ ...route, call: call.id }), 'aria-current': chosen ? 'true' : null, title: call.from || null }, call.from || 'Unknown number'),
      h('span', { class: 'soft to' }, h('span', { class: 'sr' }, 'dialled '), call.to)),
    h('div', { role: 'cell', class: 'state' },
      h('span', { class: 'phase' }, phaseWord(at.name)), ' ', clockAt(at.since, { class: 'clock soft' })),
    h('div', { role: 'cell', class: 'people agents' },
      agentsOf(call).map((p) => h('span', { class: 'person', key: p.member, 'data-role': 'agent' }, nameOf(p, names),
        p.muted && h('span', { class: 'soft' }, ' muted'), p.held && h('span', { class: 'soft' }, ' on hold'))),
      rung.map((id) => h('span', { class: 'person', key: `rings ${id}`, 'data-role': 'agent', 'data-ringing': true }, names.agent(id), h('span', { class: 'soft' }, ' rings'))),
      agentsOf(call).length + rung.length === 0 && h('span', { class: 'soft' }, 'nobody')),
    h('div', { role: 'cell', class: 'people supervisors' },
      sups.map((s) => h('span', { class: 'person', key: `${s.id} ${s.asked}`, 'data-role': 'supervisor' }, names.supervisor(s.id), ' ', modeChip(call, s, now))),
      sups.length === 0 && h('span', { class: 'soft none' }, h('span', { class: 'sr' }, 'none'))),
    h('div', { role: 'cell', class: 'length' }, clockAt(call.created)));
}

function nothing(calls, view) {
  const filtered = calls.length > 0;
  return h('div', { class: 'nothing', 'data-testid': 'empty' },
    h('p', { class: 'strong' }, !view.ready ? 'Loading the calls…' : filtered ? 'No call matches' : 'No calls right now'),
    view.ready && h('p', { class: 'soft' }, filtered
      ? `${calls.length === 1 ? 'One live call is' : `${calls.length} live calls are`} hidden by the filter.`
      : 'When a customer calls, the call appears here by itself. You see the calls you may see.'),
    view.ready && filtered && h('button', { type: 'button', 'data-testid': 'clear-filter', onclick: view.cleared }, 'Show all calls'));
}

// arrows moves among the calls, whose links are in the tab order all the same.
function arrows(e) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (!step || e.altKey || e.ctrlKey || e.metaKey) return;
  const links = [...e.currentTarget.querySelectorAll('a')];
  const next = links[links.indexOf(e.target) + step];
  if (!links.includes(e.target) || !next) return;
  e.preventDefault();
  next.focus();
}
