// What the viewer may do with a call: their own buttons above the picture, and
// the panels that some of them open.

import { verbButton } from './buttons.js';
import { h } from './dom.js';
import { ending, live, open, overlay } from './facts.js';
import { controls, isMe } from './participants.js';
import { candidates, panelOf } from './panels.js';
import { supervisionVerbs } from './supervisors.js';
import { modeHints, modeNames } from './words.js';

// actions draws them; nothing where the call is over.
export function actions(view) {
  const { call, self } = view;
  if (ending(call)) return null;
  const mine = self ? open(call).find((s) => s.id === self) : null;
  const groups = [
    asAgent(view),
    mine ? h('div', { class: 'group', role: 'group', key: 'own', 'aria-label': 'Your supervision', 'data-testid': 'own-supervision' }, supervisionVerbs(view, mine, '')) : joining(view),
    general(view),
  ];
  if (!groups.some(Boolean)) return view.asking ? h('div', { class: 'actions', 'aria-hidden': 'true' }, h('span', { class: 'soft' }, '…')) : null;
  return h('section', { class: 'actions', 'aria-label': 'Actions', 'data-testid': 'actions' },
    h('div', { class: 'bar' }, groups),
    view.panel && panelOf(view));
}

// asAgent are the verbs on the viewer's own voice.
function asAgent(view) {
  const p = live(view.call).find((q) => isMe(view, q));
  if (!p || p.role !== 'agent') return null;
  return h('div', { class: 'group', role: 'group', key: 'agent', 'aria-label': 'Your voice', 'data-testid': 'own-voice' }, controls(view, p, ''));
}

// joining is the way in for a supervisor who is not in the call.
function joining(view) {
  const { call, self, names, panel } = view;
  if (!self) return null;
  const modes = ['monitor', 'coach'].filter((m) => view.may('Barge', self, m));
  const who = names.supervisor(self);
  const takes = view.may('TakeOver', self);
  if (modes.length === 0 && !takes) return null;
  const mode = modes.includes(view.joinMode) ? view.joinMode : modes[0];
  return h('div', { class: 'group', role: 'group', key: 'join', 'aria-label': 'Join', 'data-testid': 'join' },
    modes.length > 0 && verbButton(view, {
      verb: 'barge', call: call.id, target: self, kind: 'primary',
      press: () => view.verbs.press({ verb: 'barge', call: call.id, target: self, body: { supervisor: self, mode }, who }),
    }),
    modes.length > 1 && h('span', { class: 'segments', role: 'radiogroup', 'aria-label': 'Join as' }, modes.map((m) => h('label', { key: m, title: modeHints[m] },
      h('input', { type: 'radio', name: 'join-mode', value: m, checked: m === mode, disabled: view.offline, 'data-testid': `join-${m}`, onchange: () => view.setJoinMode(m) }),
      h('span', null, modeNames[m])))),
    modes.length === 1 && h('span', { class: 'soft' }, `as ${modeNames[mode]}`),
    takes && verbButton(view, { verb: 'take-over', call: call.id, target: self, opens: panel?.id === `take-over ${self}`, press: () => view.openPanel(`take-over ${self}`) }));
}

function general(view) {
  const { call, panel, people } = view;
  const add = view.may('AddSupervisor') && (people.supervisors.length === 0 ? !view.self : candidates(view).length > 0);
  const button = (verb, extra) => verbButton(view, { verb, call: call.id, opens: panel?.id === verb, press: () => view.openPanel(verb), ...extra });
  const agents = live(call).some((p) => p.role === 'agent');
  const out = [
    add && button('add-supervisor'),
    view.may('Transfer') && call.state === 'active' && (agents || overlay(call)) && button('transfer', { why: agents ? '' : 'No agent is in the call' }),
    view.may('End') && button('end', { kind: 'danger' }),
  ];
  return out.some(Boolean) && h('div', { class: 'group', role: 'group', key: 'call', 'aria-label': 'The call' }, out);
}
