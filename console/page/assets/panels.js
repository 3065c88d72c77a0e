// The panels that open below the buttons: what a verb needs to know before it is
// carried out. Enter confirms, Escape closes.

import { h } from './dom.js';
import { live, open } from './facts.js';
import { list, modeHints, modeNames, parts } from './words.js';

// panelOf draws the open panel of a view. panel has id, "verb target", and what
// was chosen so far.
export function panelOf(view) {
  const [verb, target] = view.panel.id.split(' ');
  return { 'take-over': takeOver, 'hand-back-to': handBack, 'add-supervisor': add, transfer, end }[verb]?.(view, target) ?? null;
}

// candidates are the supervisors whom one may ask for: not oneself, where one can
// join, and nobody who is there.
export function candidates(view) {
  const there = new Set(open(view.call).map((s) => s.id));
  const canJoin = view.self && view.may('Barge', view.self);
  return view.people.supervisors.filter((p) => !there.has(p.id) && !(canJoin && p.id === view.self));
}

function takeOver(view, id) {
  const who = view.names.supervisor(id);
  const part = view.panel.part ?? 'keep';
  return frame(view, {
    title: 'Take over the call', confirm: 'Take over',
    lead: `The customer hears ${who}. What does the agent do?`,
    submit: () => view.verbs.press({ verb: 'take-over', call: view.call.id, target: id, body: { supervisor: id, agent: part }, who }),
  }, radios(view, 'What the agent does', 'part', parts, part));
}

function handBack(view, id) {
  const there = new Set(live(view.call).map((p) => p.agent));
  const choices = view.people.agents.filter((p) => !there.has(p.id)).map(choiceOf);
  const to = view.panel.to ?? choices[0]?.value;
  return frame(view, {
    title: 'Hand back to another agent', confirm: 'Hand back', lead: 'Their phone rings. Once they are heard by the customer, the supervisor is not any more.', ready: Boolean(to),
    submit: () => view.verbs.press({ verb: 'hand-back', call: view.call.id, target: id, body: { supervisor: id, to: [to] }, who: view.names.supervisor(id) }),
  }, choices.length > 0 ? radios(view, 'Agent', 'to', choices, to) : none('There is no other agent to choose.'));
}

function add(view) {
  const choices = candidates(view).map(choiceOf);
  const free = view.people.supervisors.length === 0;
  const id = view.panel.supervisor ?? (free ? '' : choices[0]?.value);
  const modes = ['coach', 'monitor'].filter((m) => view.may('AddSupervisor', '', m));
  const mode = modes.includes(view.panel.mode) ? view.panel.mode : modes[0] ?? 'coach';
  return frame(view, {
    title: 'Add supervisor to the call', confirm: 'Ring', lead: 'Their phone rings. The customer does not hear them.', ready: /^[\w.@-]{1,64}$/.test(id ?? ''),
    submit: () => view.verbs.press({ verb: 'add-supervisor', call: view.call.id, body: { supervisor: id, mode }, who: view.names.supervisor(id), mode }),
  },
  free ? field(view, 'Supervisor’s id', 'supervisor', id)
    : choices.length > 0 ? radios(view, 'Supervisor', 'supervisor', choices, id) : none('All of them are in the call or being rung.'),
  modes.length > 1 && radios(view, 'Joins to', 'mode', modes.map((m) => ({ value: m, name: modeNames[m], hint: modeHints[m].toLowerCase() })), mode));
}

function transfer(view) {
  const there = new Set(live(view.call).map((p) => p.agent));
  const choices = view.people.agents.filter((p) => !there.has(p.id)).map(choiceOf);
  const free = view.people.agents.length === 0;
  const id = view.panel.agent ?? (free ? '' : choices[0]?.value);
  const leaving = list(live(view.call).filter((p) => p.role === 'agent').map((p) => view.names.agent(p.agent)));
  return frame(view, {
    title: 'Transfer', confirm: 'Ring', lead: `Their phone rings. ${leaving} leaves once they are in.`, ready: /^[\w.@-]{1,64}$/.test(id ?? ''),
    submit: () => view.verbs.press({ verb: 'transfer', call: view.call.id, body: { agents: [id] }, agent: view.names.agent(id) }),
  },
  free ? field(view, 'Agent’s id', 'agent', id)
    : choices.length > 0 ? radios(view, 'Agent', 'agent', choices, id) : none('There is no other agent to choose.'));
}

function end(view) {
  const farewell = Boolean(view.panel.farewell);
  return frame(view, {
    title: 'End the call', confirm: 'End the call', danger: true, lead: 'It ends for everybody.',
    submit: () => view.verbs.press({ verb: 'end', call: view.call.id, body: farewell ? { farewell } : {} }),
  }, h('label', { class: 'check' },
    h('input', { type: 'checkbox', checked: farewell, 'data-testid': 'farewell', onchange: (e) => view.setPanel({ farewell: e.target.checked }) }),
    h('span', null, 'Let the customer hear the farewell')));
}

const choiceOf = (p) => ({ value: p.id, name: p.name || p.id, hint: p.note });
const none = (text) => h('p', { class: 'soft', key: 'none' }, text);

function frame(view, { title, confirm, lead, submit, ready = true, danger = false }, ...content) {
  return h('div', {
    class: 'panel', key: view.panel.id, role: 'dialog', 'aria-label': title, 'data-testid': 'panel', 'data-panel': view.panel.id,
    onkeydown: (e) => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      view.closePanel();
    },
  },
  h('form', {
    onsubmit: (e) => {
      e.preventDefault();
      if (!ready || view.offline) return;
      view.closePanel();
      submit();
    },
  },
  h('p', null, lead), content,
  h('div', { class: 'bar' },
    h('button', { type: 'submit', class: danger ? 'danger solid' : 'primary', disabled: !ready || view.offline, 'data-testid': 'confirm' }, confirm),
    h('button', { type: 'button', 'data-testid': 'cancel', onclick: view.closePanel }, 'Cancel'))));
}

function radios(view, legend, name, choices, chosen) {
  return h('fieldset', { key: name }, h('legend', null, legend),
    choices.map((c) => h('label', { class: 'choice', key: c.value },
      h('input', { type: 'radio', name: `panel-${name}`, value: c.value, checked: c.value === chosen, 'data-testid': `${name}-${c.value}`, onchange: () => view.setPanel({ [name]: c.value }) }),
      h('span', null, h('span', { class: 'strong' }, c.name), c.hint && h('span', { class: 'soft' }, ` ${c.hint}`)))));
}

function field(view, label, name, value) {
  return h('label', { class: 'field', key: name }, h('span', null, label),
    h('input', { type: 'text', value: value ?? '', autocomplete: 'off', spellcheck: 'false', maxlength: 64, 'data-testid': `field-${name}`, oninput: (e) => view.setPanel({ [name]: e.target.value.trim() }) }));
}
