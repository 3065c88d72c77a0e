// The supervisors of a call: how each stands, and the verbs on those who are not
// the viewer, whose own stand above the picture.

import { verbButton } from './buttons.js';
import { h } from './dom.js';
import { agentsOf, closed, ending, open, standing } from './facts.js';
import { timeOf } from './timeline.js';
import { modeChip } from './wallboard.js';
import { modeNames, standingWord } from './words.js';

export function supervisors(view) {
  const { call } = view;
  const now = open(call);
  const past = closed(call).slice(0, 4);
  if (now.length + past.length === 0) return null;
  return h('section', { class: 'card', 'aria-labelledby': 'h-sups', 'data-testid': 'supervisions' },
    h('h3', { id: 'h-sups' }, 'Supervisors'),
    h('ul', { class: 'sups' }, now.map((s) => entry(view, s)), past.map((s) => entry(view, s))));
}

function entry(view, sup) {
  const { call, names, now } = view;
  const how = standing(call, sup, now);
  const asker = sup.asked_by?.id && !(sup.asked_by.role === 'supervisor' && sup.asked_by.id === sup.id) ? names.actor(sup.asked_by) : '';
  const me = view.self === sup.id;
  return h('li', {
    key: `${sup.id} ${sup.asked}`, class: sup.state === 'ended' ? 'away' : '', 'data-supervision': sup.id, 'data-standing': how, 'data-mode': sup.mode || null,
    'data-want': sup.want || null, 'data-audible': sup.audible,
  },
  h('span', { class: 'dot', 'data-role': 'supervisor' }),
  h('span', { class: 'about' },
    h('span', { class: 'strong' }, names.supervisor(sup.id), me && h('span', { class: 'you' }, 'you'), sup.state !== 'ended' && [' ', modeChip(call, sup, now)]),
    h('span', { class: 'standing', 'data-testid': 'standing' }, standingWord(call, sup, now)),
    h('span', { class: 'soft' }, asker && `asked for by ${asker}, `, moment(sup))),
  !me && sup.state !== 'ended' && !ending(call) && h('span', { class: 'controls' }, supervisionVerbs(view, sup, 'small')));
}

function moment(sup) {
  if (sup.ended) return timeOf(sup.ended);
  return [sup.joined ? 'since ' : 'asked at ', timeOf(sup.joined || sup.asked)];
}

// supervisionVerbs are the verbs on a supervision that goes on. kind is small
// beside a name, where the accessible name says whose it is.
export function supervisionVerbs(view, sup, kind) {
  const { call, names, panel } = view;
  const may = (op) => view.may(op, sup.id);
  const who = names.supervisor(sup.id);
  const named = (text) => (kind === 'small' ? `${text}: ${who}` : null);
  const base = { call: call.id, target: sup.id, kind };
  const body = { supervisor: sup.id };
  const simple = (verb, name, extra) => verbButton(view, {
    ...base, verb, name, label: named(name), press: () => view.verbs.press({ verb, call: call.id, target: sup.id, body, who }), ...extra,
  });
  const opening = (verb, name) => verbButton(view, { ...base, verb, name, label: named(name), opens: panel?.id === `${verb} ${sup.id}`, press: () => view.openPanel(`${verb} ${sup.id}`) });
  if (sup.state === 'ringing') {
    return [
      may('Leave') && simple('leave', 'Stop ringing'),
      view.verbs.pending('take-over', call.id, sup.id) && h('span', { class: 'soft', key: 'then', 'data-testid': 'then' }, 'Takes over once in.'),
    ];
  }
  const taken = sup.took_over || sup.want === 'open';
  return [
    !taken && may('SetMode') && h('span', { class: 'segments', role: 'group', key: 'modes', 'aria-label': `Mode of ${who}` },
      ['monitor', 'coach'].map((mode) => verbButton(view, {
        ...base, verb: 'set-mode', mode, slot: `${sup.id} ${mode}`, name: modeNames[mode], label: kind === 'small' ? `${modeNames[mode]}: ${who}` : null, on: sup.want === mode,
        press: () => view.verbs.press({ verb: 'set-mode', call: call.id, target: `${sup.id} ${mode}`, body: { supervisor: sup.id, mode }, who, mode }),
      }))),
    !taken && may('TakeOver') && opening('take-over', 'Take over the call'),
    taken && may('HandBack') && simple('hand-back', 'Hand back', kind === 'small' ? {} : { kind: 'primary' }),
    taken && may('HandBack') && view.people.agents.length > 0 && opening('hand-back-to', 'Hand back to…'),
    may('Leave') && simple('leave', 'Leave the call', { why: alone(call, sup) ? 'The customer would have nobody. Hand back first' : '' }),
  ];
}

// alone reports whether the customer has nobody but this supervisor.
function alone(call, sup) {
  return sup.took_over && agentsOf(call).length === 0 && !open(call).some((s) => s !== sup && s.took_over);
}
